"""The operation of one site: what it tells of itself is counted, alarmed, audited, accounted for, and shown."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from haris.manage.alarm_messages import alarm_message, alarm_trap, alarm_words, audit_head_message
from haris.manage.alarms import Change, What
from haris.manage.audit import Act, AuditRecord
from haris.node.configuration.node_toml import NodeConfiguration, PeerEntry, SpanEntry
from haris.node.events import (
    AlarmEvent,
    DenialEvent,
    Event,
    Observe,
    PadEvent,
    RelayEvent,
    SiteEvent,
    SupplyEvent,
    alarm_event,
)
from haris.node.operation.alarming import Alarming
from haris.node.operation.denials import Denials
from haris.node.operation.network_watch import ASK_TIMEOUT_S, NetworkWatch
from haris.node.operation.outbox import Outbox
from haris.node.operation.outlook import Outlook
from haris.node.operation.syslog import Syslog
from haris.node.operation.watching import PoolWatch, SpanWatch
from haris.node.pki.lifetimes import expiries_s
from haris.node.store.store import Store
from haris.node.supply.peers import KmePeers
from haris.node.supply.request_watch import Denied, RequestWatch
from haris.node.supply.server import PeerHandler
from haris.node.system.threads import finish_in_thread
from haris.node.tally import Tally
from haris.nouns.alarms import Alarm, AlarmKind, Severity, Standing
from haris.nouns.errors import StoreError
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import Pedigree
from haris.wire.status import STATUS, NetworkStatus, SiteStatus, write_status

if TYPE_CHECKING:
    from haris.node.operation.metrics import Measured, Metrics
    from haris.node.operation.snmp import Snmp
    from haris.node.supply.traces import Traces

TELL_S, LOOK_S, ACCOUNT_S, CERTIFICATES_S = 0.25, 5.0, 30.0, 60.0
_LAST_WORDS_S = 1.0


class Operation:
    """Made before anything serves. `hear` takes the place of the observer that everything else tells."""

    def __init__(self, configuration: NodeConfiguration, store: Store, observe: Observe) -> None:
        """Raises ParameterError for receivers that cannot be used, StoreError when the start cannot be recorded."""
        self._configuration, self._store, self._observe = configuration, store, observe
        self.site, self._writer, self._started_ns = configuration.site.name, store.writer, time.time_ns()
        started = Act("start", "haris", self.site, version("haris"))
        store.audit(self._writer, self._started_ns, [started, _policy(configuration)])
        self.tally = Tally()
        self._denials = Denials(self.tally)
        self._voiced: set[tuple[AlarmKind, str]] = set()  # alarms whose beginning was an event already
        self._alarming = Alarming(self._writer, store, self._changed, time.time_ns)
        self._spans: dict[str, SpanWatch] = {}
        self._pools: dict[str, PoolWatch] = {}
        self.outlook = Outlook(configuration, store)
        self._network = NetworkWatch(self.site, (), self.status, self.file, time.time_ns)
        self.know(configuration.span, configuration.peer)
        self._supplied: dict[tuple[str, str], SupplyEvent] = {}
        self._relayed: Counter[str] = Counter()
        self._pad: Counter[str] = Counter()
        self._carried: dict[str, int] = {}
        self._audit_heads: dict[str, int] = {}
        self._expiry_s: dict[str, float] = {}
        self._store_octets = 0
        self._lost: dict[str, int] = {}
        self._acts: list[Act] = []
        self._unwritten: list[AuditRecord] = []  # until the store can be written
        self._syslog = None if configuration.syslog is None else Syslog(configuration.syslog)
        self._snmp: Snmp | None = None
        self._traces: Traces | None = None
        if configuration.snmp is not None:
            from haris.node.operation.snmp import Snmp  # slow to load

            self._snmp = Snmp(configuration.snmp, self.site)
        if configuration.traces is not None:
            from haris.node.supply.traces import open_traces

            self._traces = open_traces(configuration.traces, self.site)
        self._peers: KmePeers | None = None

    def know(self, spans: Sequence[SpanEntry], peers: Sequence[PeerEntry]) -> None:
        """Watch these spans and other sites from now on."""
        self._spans = {each.name: self._spans.get(each.name, SpanWatch(each.name, each.peer)) for each in spans}
        self.outlook.know(spans)
        target = self._configuration.pools.keys
        self._pools = {each.site: self._pools.get(each.site, PoolWatch(each.site, target)) for each in peers}
        self._network.know([each.site for each in peers])

    # What the site tells

    def hear(self, event: Event) -> None:
        """Anything that the site tells of itself; told on to who observes it."""
        now_ns = time.time_ns()
        for span in self._spans.values():
            span.hear(event, now_ns)
        if isinstance(event, RelayEvent):
            self._relayed[event.peer] += event.n_keys
        elif isinstance(event, PadEvent):
            self._pad[event.ledger] += event.octets
        if isinstance(event, AlarmEvent) and event.active:
            self._voiced.add((event.kind, event.source))
        if isinstance(event, AlarmEvent) and event.kind is AlarmKind.SOURCE_QUARANTINED:
            self._acts.append(Act("quarantine" if event.active else "release", "haris", event.source, event.text))
        self._observe(event)
        self._alarming.hear(event)

    def reconfigured(self, text: str, new: NodeConfiguration | None = None) -> None:
        """Whoever may signal this process had NODE.toml read anew. new: what is in force now."""
        self._acts.append(Act("configuration", "local", "NODE.toml", text))
        if new is not None:
            self._acts.append(_policy(new))

    def file(self, alarm: Alarm) -> None:
        """An alarm as a value."""
        self._alarming.file(alarm)

    def store_failed(self, error: StoreError) -> None:
        """The store is out of order."""
        self.hear(alarm_event(self.site, Alarm(Severity.MAJOR, "store", str(error), AlarmKind.STORE)))

    def delivered(self, method: str, sae: str, peer: str, batches: Sequence[KeyBatch]) -> None:
        """Keys have left. Told on four times a second, so that it costs a busy key manager little."""
        self._supply(method, sae, peer, sum(batch.n_keys for batch in batches), [batch.pedigree for batch in batches])

    def gave(self, method: str, sae: str, pedigree: Pedigree) -> None:
        """One key has left, or the material of a stream."""
        self._supply(method, sae, "", 1, (pedigree,))

    @property
    def refused(self) -> Denied:
        """Whom a face that nobody watches tells of a refusal."""
        return self._denials.note

    def watch(self, face: str) -> RequestWatch:
        """Who watches a face of the key manager; that of its peers gives no keys."""
        return RequestWatch(face, self.tally, self._traces, None if face == "peers" else self._denials.note)

    @property
    def verbs(self) -> dict[str, PeerHandler]:
        """What other sites may ask."""

        async def status(site: str, body: bytes) -> bytes:
            return write_status(self.status())

        return {STATUS: status}

    # What operators ask

    def status(self) -> SiteStatus:
        """This site now."""
        now_ns = time.time_ns()
        pools = (pool.status(now_ns) for pool in self._pools.values())
        return SiteStatus(
            self.site,
            version("haris"),
            self._configuration.site.laboratory,
            now_ns,
            self._started_ns,
            tuple(span.status(now_ns, self.outlook.next_pass(span.name)) for span in self._spans.values()),
            tuple(pool for pool in pools if pool is not None),
            self._alarming.standing(),
        )

    @cached_property
    def metrics(self) -> Metrics:
        """What Prometheus reads."""
        from haris.node.operation.metrics import Metrics  # slow to load, and not everybody asks

        return Metrics(self._measure)

    async def network(self) -> NetworkStatus:
        """Every site that this one knows."""
        return await self._network.look(self._ask)

    async def acknowledge(self, alarm_id: int, who: str) -> Standing:
        """An operator has seen an alarm. ParameterError when it does not stand."""
        return await self._alarming.acknowledge(alarm_id, who)

    # Its own work

    def tasks(self, peers: KmePeers) -> list[Coroutine[Any, Any, None]]:
        """What runs while the site does."""
        self._peers = peers
        if self._traces is not None:
            peers.trace_headers = self._traces.headers
        works: list[Coroutine[Any, Any, None]] = [
            self._alarming.run(),
            self._network.run(self._ask),
            self._each(TELL_S, self._tell),
            self._each(LOOK_S, self._look),
            self._each(ACCOUNT_S, self._account),
            self._each(CERTIFICATES_S, self._read_certificates),
        ]
        if self._syslog is not None and self._configuration.syslog is not None:
            works += [self._syslog.box.run(), self._each(self._configuration.syslog.audit_head_s, self._tell_heads)]
        if self._snmp is not None:
            works.append(self._snmp.box.run())
        return works

    async def close(self) -> None:
        """The site stops: its last words."""
        await self._tell()
        await finish_in_thread(self._store.audit, self._writer, time.time_ns(), [Act("stop", "haris", self.site)])
        for sender in (self._syslog, self._snmp):
            if sender is not None:
                await sender.box.flush(_LAST_WORDS_S)
                sender.close()
        if self._traces is not None:
            await asyncio.to_thread(self._traces.close)

    async def _each(self, seconds: float, work: Any) -> None:
        while True:
            try:
                await work()
            except StoreError as error:
                self.store_failed(error)
            await asyncio.sleep(seconds)

    async def _ask(self, site: str) -> bytes:
        assert self._peers is not None
        return await self._peers.ask(site, STATUS, b"{}", ASK_TIMEOUT_S)

    def _supply(self, method: str, sae: str, peer: str, n_keys: int, pedigrees: Iterable[Pedigree]) -> None:
        self.tally.delivery(method, sae, peer, n_keys)
        before = self._supplied.get((method, sae))
        worst, hops = (0.0, 0) if before is None else (before.epsilon, before.hops)
        for pedigree in pedigrees:
            worst = None if worst is None or pedigree.epsilon is None else max(worst, pedigree.epsilon)
            hops = max(hops, pedigree.hops)
        n_before = 0 if before is None else before.n_keys
        self._supplied[method, sae] = SupplyEvent(self.site, method, sae, n_before + n_keys, worst, hops)

    async def _tell(self) -> None:
        """Deliveries and refusals since the last time."""
        supplied, self._supplied = self._supplied, {}
        for event in supplied.values():
            self.hear(event)
        records, alarm = self._denials.take(time.time_ns())
        self.file(alarm)
        for denial in records:
            self.hear(
                DenialEvent(
                    self.site,
                    denial.method,
                    denial.interface,
                    denial.caller,
                    denial.peer,
                    denial.reason,
                    denial.detail,
                    denial.times,
                )
            )
        self._unwritten += [*records, *self._acts]
        self._acts = []
        if written := tuple(self._unwritten):
            await finish_in_thread(self._store.audit, self._writer, time.time_ns(), written)
            del self._unwritten[: len(written)]

    async def _look(self) -> None:
        """Pools, the store's size, the heads of the audit log."""
        for pool in self._pools.values():
            level = await finish_in_thread(self._store.pool_level, pool.peer, self.site)
            pool.look(level, time.time_ns(), self.file, await self.outlook.look(pool.peer, level))
        heads = await finish_in_thread(self._store.audit_heads)
        self._audit_heads = {head.writer: head.number for head in heads}
        gone = dict.fromkeys(self._carried, 0)
        self._carried = gone | await finish_in_thread(self._store.all_carried)
        path = self._configuration.store.path
        files = () if path is None else (path, path.with_name(path.name + "-wal"))
        self._store_octets = sum(os.stat(file).st_size for file in files if file.exists())
        for name, (_, lost) in self._boxes().items():
            text = f"{lost} messages were lost"
            self.file(Alarm(Severity.MINOR, name, text, AlarmKind.EVIDENCE_LOST, lost > self._lost.get(name, 0)))
            self._lost[name] = lost

    async def _account(self) -> None:
        customers = {entry.id: entry.customer for entry in self._configuration.sae}
        while await finish_in_thread(self._store.roll_up, self._writer, customers):
            await asyncio.sleep(0)

    async def _read_certificates(self) -> None:
        kme = self._configuration.kme
        files = {"key manager": kme.certificate, "authority": kme.authority}
        self._expiry_s = await asyncio.to_thread(expiries_s, files)

    async def _tell_heads(self) -> None:
        if self._syslog is not None:
            for head in await finish_in_thread(self._store.audit_heads):
                self._syslog.box.put(audit_head_message(self.site, head, time.time_ns()))

    def _changed(self, change: Change) -> None:
        """An alarm was raised, has worsened, was acknowledged or cleared: tell whoever is to know."""
        if self._syslog is not None:
            self._syslog.box.put(alarm_message(self.site, change, time.time_ns()))
        if self._snmp is not None:
            self._snmp.box.put(alarm_trap(self.site, change))
        name = (change.alarm.kind, change.alarm.source)
        if change.what in (What.CLEARED, What.ACKNOWLEDGED) or name not in self._voiced:
            self._observe(SiteEvent(self.site, "told", alarm_words(change)))
        if change.what is What.CLEARED:
            self._voiced.discard(name)

    def _boxes(self) -> dict[str, tuple[int, int]]:
        senders: dict[str, Outbox[Any]] = {}
        if self._syslog is not None:
            senders["syslog"] = self._syslog.box
        if self._snmp is not None:
            senders["snmp"] = self._snmp.box
        return {name: (box.sent, box.lost) for name, box in senders.items()}

    def _measure(self) -> Measured:
        from haris.node.operation.metrics import Measured

        return Measured(
            self.status(),
            self._spans.values(),
            self.tally,
            self._store.commits,
            self._relayed,
            self._pad,
            self._store_octets,
            self._audit_heads,
            self._boxes(),
            self._expiry_s,
            self._carried,
        )


def _policy(configuration: NodeConfiguration) -> Act:
    """What is in force from now on, in words that differ when it does."""
    rules = configuration.allow
    told = msgspec.json.encode((rules, configuration.sae, configuration.peer), order="deterministic")
    digest = hashlib.sha256(told).hexdigest()
    return Act("policy", "haris", f"{len(rules)} rules", f"sha256 of rules, SAEs and peers {digest}")
