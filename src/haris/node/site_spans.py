"""The spans of one site, kept for ever; one that is named while they run joins them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from haris.node.configuration.node_toml import SpanEntry
from haris.node.events import Observe
from haris.node.life.witnessing import Witnessing
from haris.node.relays.wiring import Relays
from haris.node.sources.opening import source_maker
from haris.node.spans.plan import SpanPlan
from haris.node.spans.pointing import Pointing
from haris.node.spans.reach import Reach
from haris.node.spans.span import Span
from haris.node.store.store import Store
from haris.node.supply.peers import KmePeers
from haris.nouns.alarms import Alarm, Severity
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError

Planned = tuple[SpanPlan, SpanEntry]
LOOK_S = 0.25


class Spans:
    """Their sessions, and the levels of the neighbours' pools that they fill themselves.

    paired: neighbours whose pools relays fill. file: told of a span that joined and cannot listen.
    entropy: of its keys. reach: of the neighbours.
    """

    def __init__(
        self,
        planned: Iterable[Planned],
        store: Store,
        relays: Relays,
        witnesses: Witnessing,
        observe: Observe,
        file: Callable[[Alarm], None],
        entropy: Callable[[int], bytes],
        reach: Reach,
    ) -> None:
        self._reach = reach
        self._planned = {plan.name: (plan, entry) for plan, entry in planned}
        self._first = self.names
        self._store, self._relays, self._witnesses = store, relays, witnesses
        self._observe, self._file, self._entropy = observe, file, entropy
        self._paired = {pair.peer for pair in relays.pairs}
        self._more = asyncio.Event()

    @property
    def names(self) -> frozenset[str]:
        """Those that there are."""
        return frozenset(self._planned)

    def join(self, planned: Iterable[Planned]) -> None:
        """Keep these, too."""
        self._planned |= {plan.name: (plan, entry) for plan, entry in planned}
        self._more.set()

    async def run(self, peers: KmePeers) -> None:
        """Keep them all, for ever; a process that leads once more does so again. ParameterError when one of the first,
        which the process was started with, cannot listen."""
        self._pointing = Pointing()  # light of an earlier time of leading ends when its lamp is attached to anew
        servers: list[asyncio.Server] = []
        begun: set[str] = set()
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._more.clear()
                    for name in [each for each in self._planned if each not in begun]:
                        begun.add(name)
                        try:
                            await self._begin(name, peers, group, servers)
                        except ParameterError as error:
                            if name in self._first:
                                raise
                            self._file(Alarm(Severity.MAJOR, "configuration", str(error)))
                    await self._more.wait()
        finally:
            for server in servers:
                server.close()

    async def _begin(self, name: str, peers: KmePeers, group: asyncio.TaskGroup, servers: list[asyncio.Server]) -> None:
        plan, entry = self._planned[name]
        maker = source_maker(plan, self._store, self._observe)
        version = partial(peers.span_version, entry.peer)
        observe, pointing = self._relays.observe, self._pointing
        span = Span(plan, self._store, self._entropy, observe, maker, version, self._witnesses, pointing, self._reach)
        if entry.listen is not None:
            servers.append(await span.listen(read_endpoint("listen", entry.listen)))
        else:
            group.create_task(span.connect(read_endpoint("connect", entry.connect or "")))
        if plan.peer not in self._paired:
            group.create_task(self._watch(plan))

    async def _watch(self, plan: SpanPlan) -> None:
        """Tell the level of a neighbour's pool, which the span itself fills."""
        while True:
            await self._relays.tell_level(plan.peer, plan.targets.n_keys)
            await asyncio.sleep(LOOK_S)
