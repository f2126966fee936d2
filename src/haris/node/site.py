"""One site: its store, its key manager, its spans and its relays, wired together and run until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

from haris.keys.allotment import Targets
from haris.keys.directory import Directory
from haris.keys.supply import Limits, Supply
from haris.node.commissioning import commission
from haris.node.configuration import NodeConfiguration, SpanEntry
from haris.node.events import AlarmEvent, Observe, SiteEvent, SupplyEvent
from haris.node.kme_peers import KmePeers
from haris.node.kme_server import KmeConfig, RunningKme, start_kme
from haris.node.kme_tls import TlsFiles
from haris.node.relaying import VERB, Neighbour, Relaying
from haris.node.secret_file import read_secret_file
from haris.node.span import Span
from haris.node.span_plan import SpanPlan
from haris.node.store import SqliteStore, open_store
from haris.nouns.alarms import Alarm
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError
from haris.nouns.keys import KEY_OCTETS
from haris.quantum.link import Link
from haris.wire.etsi014 import KeyContainer
from haris.wire.pedigree import read_pedigree

KEY_ENCRYPTION_KEY_OCTETS = 32


async def run_site(configuration: NodeConfiguration, observe: Observe) -> None:
    """Run one site until SIGINT or SIGTERM. Raises HarisError for what is wrong before it serves."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    plans = [_plan(configuration, entry) for entry in configuration.span]
    table = configuration.store
    key = read_secret_file("the key-encryption key", table.key_encryption_key, KEY_ENCRYPTION_KEY_OCTETS)
    store = open_store(table.path, key, os.urandom)
    try:
        for entry in configuration.span:
            commission(store, entry.name, entry.secret)
        await _Site(configuration, store, plans, observe).run(stop)
    finally:
        store.close()


class _Site:
    def __init__(
        self, configuration: NodeConfiguration, store: SqliteStore, plans: list[SpanPlan], observe: Observe
    ) -> None:
        self._configuration, self._store, self._plans, self._observe = configuration, store, plans, observe
        neighbours = {plan.peer: Neighbour(plan.name, plan.role == "alice") for plan in plans}
        self._name = configuration.site.name
        self._relaying = Relaying(self._name, store, neighbours, os.urandom, observe)

    async def run(self, stop: asyncio.Event) -> None:
        kme = await self._start_kme()
        self._observe(SiteEvent(self._name, "started", f"serves applications on port {kme.port}"))
        servers: list[asyncio.Server] = []
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in self._fillers(kme.peers)]
                for plan, entry in zip(self._plans, self._configuration.span, strict=True):
                    span = Span(plan, self._store, os.urandom, self._observe)
                    if entry.listen is not None:
                        servers.append(await span.listen(read_endpoint("listen", entry.listen)))
                    else:
                        tasks.append(group.create_task(span.connect(read_endpoint("connect", entry.connect or ""))))
                await stop.wait()
                for task in tasks:
                    task.cancel()
        except* ParameterError as errors:
            raise errors.exceptions[0] from None
        finally:
            for server in servers:
                server.close()
            await kme.close()
        self._observe(SiteEvent(self._name, "stopped"))

    async def _start_kme(self) -> RunningKme:
        table, configuration = self._configuration.kme, self._configuration
        host, port = read_endpoint("listen", table.listen)
        peer_host, peer_port = read_endpoint("listen_peers", table.listen_peers)
        tls = TlsFiles(table.certificate, table.private_key, table.authority)
        kmes = {self._name: table.id} | {entry.site: entry.kme for entry in configuration.peer}
        directory = Directory(self._name, kmes, {entry.id: entry.site for entry in configuration.sae})
        urls = {entry.site: f"https://{entry.address}" for entry in configuration.peer}
        limits = Limits(max_key_count=configuration.pools.keys)
        supply = Supply(self._store, directory, limits, configuration.site.laboratory)
        config = KmeConfig(host, port, peer_host, peer_port, tls, tls, urls)
        running: list[RunningKme] = []

        async def relay(caller: str, body: bytes) -> bytes:
            return await self._relaying.handle(running[0].peers, caller, body)

        try:
            kme = await start_kme(config, supply, {VERB: relay}, self._file, self._delivered)
        except OSError as error:
            raise ParameterError(f"[kme] cannot listen on {table.listen} or {table.listen_peers}: {error}") from None
        running.append(kme)
        return kme

    def _fillers(self, peers: KmePeers) -> list[Coroutine[Any, Any, None]]:
        target = self._configuration.pools.keys
        pairs = [self._relaying.fill(peers, pair.path, target) for pair in self._configuration.pair]
        return [*pairs, *(self._watch(plan.peer, target) for plan in self._plans)]

    async def _watch(self, peer: str, target: int) -> None:
        """Tell the level of a neighbour's pool, which the span itself fills."""
        while True:
            await self._relaying.tell_level(peer, target)
            await asyncio.sleep(0.25)

    def _file(self, alarm: Alarm) -> None:
        self._observe(AlarmEvent(self._name, str(alarm.severity), alarm.source, alarm.text))

    def _delivered(self, method: str, sae: str, container: KeyContainer) -> None:
        pedigrees = [p for p in (read_pedigree(key.extension) for key in container.keys) if p is not None]
        known = [p.epsilon for p in pedigrees if p.epsilon is not None]
        epsilon = max(known) if known and len(known) == len(container.keys) else None
        hops = max((p.hops for p in pedigrees), default=0)
        self._observe(SupplyEvent(self._name, method, sae, len(container.keys), epsilon, hops))


def _plan(configuration: NodeConfiguration, entry: SpanEntry) -> SpanPlan:
    pools = configuration.pools
    return SpanPlan(
        name=entry.name,
        site=configuration.site.name,
        peer=entry.peer,
        role=entry.role,
        link=Link.read(entry.link),
        socket=entry.light,
        targets=Targets(pools.auth_octets, KEY_OCTETS * pools.relay_keys, pools.keys),
    )
