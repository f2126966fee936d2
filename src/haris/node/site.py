"""One site: its store, its key manager, its spans and its relays, wired together and run until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from haris.crypto.signing import Credentials
from haris.keys.admission import Admission
from haris.keys.allotment import Targets
from haris.keys.policy import Policy
from haris.keys.skip import Systems
from haris.keys.streams import StreamOwner
from haris.keys.supply import Limits, Supply
from haris.node.configuration.node_toml import NodeConfiguration, PeerEntry, SpanEntry
from haris.node.entropy.site_randomness import entropy_of, open_randomness
from haris.node.events import Observe, SiteEvent, alarm_event
from haris.node.http.listener import HttpListener
from haris.node.life.aging import Aging
from haris.node.life.orders import KeyLife
from haris.node.life.processes import lead, stay_alive
from haris.node.life.witnessing import Witnessing
from haris.node.operation.admin import start_admin
from haris.node.operation.operation import Operation
from haris.node.operators.site import GatewaySite
from haris.node.pki.mutual_tls import server_context
from haris.node.relays.wiring import Relays
from haris.node.reloading import JOINED, Reloadable, directory_of, require_rules, systems_of
from haris.node.site_spans import Spans
from haris.node.sources.watch import release_path
from haris.node.spans.commissioning import commission
from haris.node.spans.plan import LightPlan, PassPlan, SourcePlan, SpanPlan
from haris.node.spans.reach import Reach
from haris.node.store.key_encryption_key import read_key_encryption_key
from haris.node.store.store import Store, open_store
from haris.node.supply.etsi004_face import Etsi004Face
from haris.node.supply.server import KmeConfig, RunningKme, reporter, start_kme
from haris.node.supply.signers import read_signers
from haris.node.supply.skip_face import skip_routes, start_skip
from haris.node.supply.tls_watch import TlsWatch
from haris.node.supply.trust import read_trust
from haris.node.system.threads import finish_in_thread
from haris.nouns.alarms import Alarm, Severity
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError, StoreError
from haris.nouns.keys import KEY_OCTETS
from haris.quantum.link import Link
from haris.quantum.space.contacts import contacts_of
from haris.quantum.space.live import require_live
from haris.quantum.space.scenario import Scenario


async def run_site(
    configuration: NodeConfiguration, observe: Observe, read_again: Callable[[], NodeConfiguration] | None = None
) -> None:
    """Run one site until SIGINT or SIGTERM. Raises HarisError for what is wrong before it serves.

    read_again: how the configuration is read anew on SIGHUP.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    signers = read_signers(configuration) or {}
    plans = [_plan(configuration, entry, signers) for entry in configuration.span]
    table = configuration.store
    key = read_key_encryption_key(table.key_encryption_key, table.unlock)
    writer = configuration.site.name if table.process is None else f"{configuration.site.name}/{table.process}"
    told = _Told()
    randomness = open_randomness(configuration.randomness, configuration.site.laboratory, told.tell)
    entropy = entropy_of(randomness)
    with contextlib.ExitStack() as opened:
        if randomness is not None:
            opened.callback(randomness.close)
            await finish_in_thread(randomness.start)
        store = open_store(table.place(), key, entropy, writer)
        opened.callback(store.close)
        _commission(store, configuration.span)
        operation = Operation(configuration, store, observe)
        site = _Site(configuration, store, plans, operation, entropy, read_again)
        told.file_with(site._file)
        await site.run(stop)


class _Told:
    """Alarms from other threads, in the loop's: filed by the site, the last one of before as soon as there is one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last: Alarm | None = None
        self._file: Callable[[Alarm], None] | None = None

    def tell(self, alarm: Alarm) -> None:
        """In any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._told, alarm)

    def file_with(self, file: Callable[[Alarm], None]) -> None:
        """There is a site."""
        self._file = file
        if self._last is not None and self._last.active:
            file(self._last)

    def _told(self, alarm: Alarm) -> None:
        self._last = alarm
        if self._file is not None:
            self._file(alarm)


class _Site:
    def __init__(
        self,
        configuration: NodeConfiguration,
        store: Store,
        plans: list[SpanPlan],
        operation: Operation,
        entropy: Callable[[int], bytes],
        read_again: Callable[[], NodeConfiguration] | None,
    ) -> None:
        self._read_again, self._entropy = read_again, entropy
        self._configuration, self._store = configuration, store
        self._operation, self._observe = operation, operation.hear
        self._name = configuration.site.name
        self._admin: tuple[HttpListener, ...] = ()
        self._skip: tuple[HttpListener, ...] = ()
        self._admission = Admission(Policy(configuration.allow), store, time.time_ns)
        self._reach = Reach(configuration.span)
        self._relays = Relays(configuration, store, entropy, self._observe, self._reach)
        self._gateway: GatewaySite | None = None
        self._ways = _ways(configuration.peer, configuration.span)
        alone = configuration.store.trust_alone
        self._witnesses = Witnessing(self._name, store, self._ways, entropy, self._file_standing, alone=alone)
        self._relays.relaying.require = self._witnesses.require
        planned = zip(plans, configuration.span, strict=True)
        self._spans = Spans(
            planned, store, self._relays, self._witnesses, self._observe, self._file, entropy, self._reach
        )
        self._hung_up = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        kme = await self._start_kme()
        self._observe(SiteEvent(self._name, "started", f"serves applications on port {kme.port}"))
        try:
            if self._gateway is not None:
                port = await self._gateway.start(kme.peers)
                self._observe(SiteEvent(self._name, "gateway", f"serves other operators on port {port}"))
            async with asyncio.TaskGroup() as group:
                works = [self._tls.run(), self._follow_configuration()]
                works += [*self._operation.tasks(kme.peers), *self._sharing(kme, stop)]
                tasks = [group.create_task(work) for work in works]
                await stop.wait()
                for task in tasks:
                    task.cancel()
        except* ParameterError as errors:
            first: BaseException = errors
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first from None
        finally:
            for face in (*self._admin, *self._skip):
                await face.close()
            await self._etsi004.close()
            await kme.close()
            if self._gateway is not None:
                await self._gateway.close()
            self._relays.close()
            self._admission.close()
        await self._operation.close()
        self._observe(SiteEvent(self._name, "stopped"))

    def _sharing(self, kme: RunningKme, stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
        """Spans and relays, in one process of the site alone; and this process's word that it is alive."""
        work = partial(self._keep, kme)
        if self._configuration.store.process is None:
            return [work()]
        recover = partial(kme.deliveries.supply.recover)
        return [
            lead(self._store, "spans", work),
            self._witnesses.follow(),
            stay_alive(self._store, recover, self._file, stop.set),
        ]

    async def _keep(self, kme: RunningKme) -> None:
        """Fill the pools and burn what is too old, for ever."""
        pools = self._configuration.pools
        aging = Aging(self._store, self._name, self._ways.keys(), pools.max_age_s, pools.fetch_within_s)
        async with asyncio.TaskGroup() as group:
            for work in (self._spans.run(kme.peers), *self._relays.tasks(kme.peers)):
                group.create_task(work)
            for work in self._witnesses.leading(kme.peers):
                group.create_task(work)
            group.create_task(aging.run(kme.deliveries.blocking, kme.deliveries.hurry))

    async def _start_kme(self) -> RunningKme:
        table, configuration = self._configuration.kme, self._configuration
        host, port = read_endpoint("listen", table.listen)
        peer_host, peer_port = read_endpoint("listen_peers", table.listen_peers)
        trust = read_trust(configuration, self._file)
        directory = directory_of(configuration)
        urls = {entry.site: entry.urls for entry in configuration.peer}
        self._admission.ration = partial(self._operation.outlook.ration, directory.saes)
        limits = Limits(max_key_count=configuration.pools.keys)
        require_rules(limits, configuration.allow)
        laboratory, witnesses = configuration.site.laboratory, self._witnesses
        gates = witnesses.require, witnesses.require_trusted
        supply = Supply(self._store, directory, limits, laboratory, self._admission, *gates)
        here = host, port, peer_host, peer_port, trust.files, trust.files
        config = KmeConfig(*here, urls, identity=trust.identity, revocation=trust.revocation)
        running: list[RunningKme] = []
        owner = StreamOwner(supply, self._store, self._entropy, configuration.etsi004.limits())
        gave, refused = partial(self._operation.gave, "get_key"), self._operation.refused
        self._etsi004 = Etsi004Face(owner, time.time_ns, reporter(self._file), gave, refused)
        of_sae = systems_of(configuration)
        systems = Systems(of_sae, directory.saes)
        routes = skip_routes(supply, systems, lambda: running[0].deliveries, self._entropy, self._operation.delivered)

        verbs = {**self._operation.verbs, **self._relays.handlers(lambda: running[0].peers), **self._etsi004.verbs}
        verbs |= self._witnesses.verbs
        if configuration.interworking is not None:
            self._gateway = GatewaySite(
                configuration.interworking,
                configuration.operator,
                trust.files,
                supply,
                self._store,
                self._file,
                trust.identity,
                self._operation.refused,
            )
            verbs |= self._gateway.handlers()
        try:
            kme = await start_kme(
                config, supply, verbs, self._file, self._operation.delivered, routes, self._operation.watch
            )
        except OSError as error:
            raise ParameterError(f"[kme] cannot listen on {table.listen} or {table.listen_peers}: {error}") from None
        running.append(kme)
        kme.peers.file_alarm, kme.peers.require_trusted = self._file, witnesses.require_trusted
        kme.peers.require_reached = self._reach.require
        witnesses.owed = kme.deliveries.hurry
        self._reloadable = Reloadable(directory, of_sae, limits, self._admission, kme.peers)
        listen = configuration.etsi004.listen
        endpoint = None if listen is None else read_endpoint("listen", listen)
        try:
            await self._etsi004.start(kme, endpoint, server_context(trust.files))
        except OSError as error:
            await kme.close()
            raise ParameterError(f"[etsi004] cannot listen on {listen}: {error}") from None
        path = configuration.store.path
        life = KeyLife(self._store, directory, witnesses, self._ways, path, kme.deliveries.hurry)
        try:
            self._admin = await start_admin(configuration.admin, trust, self._operation, self._store, life)
            self._skip = await start_skip(
                configuration.skip, routes, directory, reporter(self._file), self._operation.watch("skip")
            )
        except ParameterError:
            for face in self._admin:
                await face.close()
            await self._etsi004.close()
            await kme.close()
            raise
        candidates: tuple[Any, ...] = (self._etsi004.server, *self._admin)
        faces = [face for face in candidates if face is not None and face.context is not None]
        self._tls = TlsWatch(kme, config, self._file, faces=faces, others=[self._gateway] if self._gateway else [])
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hang_up)
        return kme

    def _hang_up(self) -> None:
        """SIGHUP: the files of TLS, and what of the configuration may change, are read anew."""
        self._tls.hurry.set()
        self._hung_up.set()

    async def _follow_configuration(self) -> None:
        while True:
            await self._hung_up.wait()
            self._hung_up.clear()
            if self._read_again is None:
                continue
            try:
                new = self._read_again()
                told = await self._take(new)
            except (ParameterError, StoreError) as error:
                text = f"the new configuration is no good, the old one stays in use: {error}"
                self._file(Alarm(Severity.MAJOR, "configuration", text))
                self._operation.reconfigured(f"SIGHUP: {text}")
            else:
                self._file(Alarm(Severity.INFO, "configuration", "", active=False))
                self._observe(SiteEvent(self._name, "configuration", told))
                self._operation.reconfigured(f"SIGHUP: {told}", new)

    async def _take(self, new: NodeConfiguration) -> str:
        """Use what may change. Returns what is in use now, in words. Raises ParameterError with all as before."""
        old = self._configuration
        joins = not set(JOINED) & set(self._reloadable.wanting(old, new))
        signers = read_signers(new) or {}
        joining = [entry for entry in new.span if joins and entry.name not in self._spans.names]
        plans = [(_plan(new, entry, signers), entry) for entry in joining]
        await finish_in_thread(_commission, self._store, joining)
        wanting = self._reloadable.take(old, new)
        spans = self._reloadable.joined.get("span", old.span)
        if new.end_to_end == old.end_to_end:
            self._relays.trust(signers)
        self._ways.clear()
        self._ways.update(_ways(new.peer, spans))
        self._witnesses.know(self._ways)
        self._reach.know(spans)
        self._operation.know(spans, new.peer)
        if joins:
            self._relays.know(spans, new.graph)
            self._spans.join(plans)
        told = f"{len(new.sae)} applications, {len(new.peer)} other sites and {len(new.allow)} rules are in use"
        told += f"; new spans: {', '.join(entry.name for entry in joining)}" if joining else ""
        return told + (f"; a restart is wanted for {', '.join(wanting)}" if wanting else "")

    def _file_standing(self, alarm: Alarm) -> None:
        """An alarm, or that there is none: that is no event to tell."""
        if alarm.active:
            self._file(alarm)
        else:
            self._operation.file(alarm)

    def _file(self, alarm: Alarm) -> None:
        self._observe(alarm_event(self._name, alarm))


def _commission(store: Store, spans: Sequence[SpanEntry]) -> None:
    for entry in spans:
        if entry.secret is not None:
            commission(store, entry.name, entry.secret)


def _ways(peers: Sequence[PeerEntry], spans: Sequence[SpanEntry]) -> dict[str, list[str]]:
    """The other sites, each with the spans that lead to it."""
    return {entry.site: [span.name for span in spans if span.peer == entry.site] for entry in peers}


def _plan(configuration: NodeConfiguration, entry: SpanEntry, signers: Mapping[str, Credentials]) -> SpanPlan:
    pools = configuration.pools
    return SpanPlan(
        name=entry.name,
        site=configuration.site.name,
        peer=entry.peer,
        role=entry.role,
        targets=Targets(pools.auth_octets, KEY_OCTETS * pools.relay_keys, pools.keys),
        making=_making(configuration, entry),
        signer=signers[entry.peer] if entry.commission == "ml-kem" else None,
    )


def _making(configuration: NodeConfiguration, entry: SpanEntry) -> LightPlan | PassPlan | SourcePlan:
    named = [source for source in configuration.source if source.name == entry.source]
    if named and named[0].kind != "light":
        return SourcePlan(named[0], release_path(configuration.store.beside, named[0].name))
    if entry.passes is not None and entry.light is not None:
        contacts = contacts_of(Scenario.read(entry.passes), entry.station)
        require_live(contacts.link)
        return PassPlan(contacts, entry.light)
    lit = named[0] if named else entry
    if lit.link is None or lit.light is None:
        raise ParameterError(f"span {entry.name}: nothing makes its blocks")  # a configuration that was read has it
    return LightPlan(Link.read_live(lit.link), lit.light)
