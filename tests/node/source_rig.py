"""Two sites whose span is fed by a maker's boxes, in one process; they share a socket and what the boxes share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from haris.crypto.ledger import span_ledgers
from haris.keys.allotment import Targets
from haris.keys.vendor import SourceKey
from haris.node.configuration.inventory import SourceEntry
from haris.node.events import AlarmEvent, BlockEvent, Event, SourceEvent
from haris.node.sources.box import Box
from haris.node.sources.maker import SourceMaker
from haris.node.sources.watch import release_path
from haris.node.spans.commissioning import SECRET_OCTETS, commission
from haris.node.spans.plan import SourcePlan, SpanPlan
from haris.node.spans.span import Span
from haris.node.store.store import Store, open_store
from haris.nouns.errors import KeyUnavailable, ParameterError

TARGETS = Targets(auth_octets=8192, relay_octets=1024, n_keys=40)


class Pair:
    """What two boxes share, and how they misbehave: a hook at each end changes what it gives."""

    def __init__(self, n_keys: int = 10**6, key_octets: int = 32) -> None:
        self.left, self.key_octets, self.n_given = n_keys, key_octets, 0
        self.at_once, self.n_shut = 10**6, 0
        self.kept: dict[str, bytes] = {}
        self.burnt: set[str] = set()
        self.at_alice: Callable[[list[SourceKey]], list[SourceKey]] = lambda keys: keys
        self.at_bob: Callable[[list[SourceKey]], list[SourceKey]] = lambda keys: keys

    def fresh(self, n_keys: int) -> list[SourceKey]:
        n_keys = min(n_keys, self.left)
        if not n_keys:
            raise KeyUnavailable("the box is empty")
        self.left -= n_keys
        keys = [SourceKey(f"key-{self.n_given + i:06}", os.urandom(self.key_octets)) for i in range(n_keys)]
        self.n_given += n_keys
        self.kept |= {key.name: key.secret for key in keys}
        return self.at_alice(keys)

    def named(self, names: Sequence[str]) -> list[SourceKey]:
        names = [name for name in names if name in self.kept][: self.at_once]
        if not names:
            raise KeyUnavailable("unknown keys")
        given = self.at_bob([SourceKey(name, self.kept[name]) for name in names])
        for name in names:
            del self.kept[name]
        return given


class PairBox:
    """A Box in memory."""

    def __init__(self, pair: Pair) -> None:
        self.pair, self.n_open = pair, 0

    async def open(self, session: bytes) -> tuple[str, ...]:
        if self.pair.n_shut:
            self.pair.n_shut -= 1
            raise ParameterError("the box is shut")
        self.n_open += 1
        return ()

    async def fresh(self, n_keys: int) -> tuple[SourceKey, ...]:
        return tuple(self.pair.fresh(n_keys))

    async def named(self, names: Sequence[str]) -> tuple[SourceKey, ...]:
        return tuple(self.pair.named(names))

    async def burn(self, names: Sequence[str]) -> None:
        self.pair.burnt.update(names)

    async def close(self) -> None:
        self.n_open -= 1


FOLDER = SourceEntry(
    name="box", kind="folder", folder=Path("unused"), poll_s=0.02, stall_s=0.3, maker="Acme", model="Q1"
)


class SourceRig:
    """Sites a (Alice) and b (Bob) with a store each."""

    def __init__(self, directory: Path, entry: SourceEntry = FOLDER, targets: Targets = TARGETS) -> None:
        self.directory, self.entry, self.targets = directory, entry, targets
        self.events: list[Event] = []
        self.stores: dict[str, Store] = {}
        octets = os.urandom(SECRET_OCTETS)
        for site in ("a", "b"):
            secret = directory / f"{site}.secret"
            secret.touch(mode=0o600)
            secret.write_bytes(octets)
            self.open(site)
            commission(self.stores[site], "ab", secret)

    def open(self, site: str) -> None:
        self.stores[site] = open_store(self.directory / f"{site}.db", site.encode() * 32, os.urandom)

    def reopen(self) -> None:
        for site, store in self.stores.items():
            store.close()
            self.open(site)

    def release(self, site: str) -> Path:
        return release_path(self.directory / f"{site}.db", self.entry.name)

    def span(self, site: str, box: Box, entry: SourceEntry | None = None) -> Span:
        source = SourcePlan(entry or self.entry, self.release(site))
        role, peer = ("alice", "b") if site == "a" else ("bob", "a")
        plan = SpanPlan("ab", site, peer, role, self.targets, source)
        maker = SourceMaker(plan, source, box, self.stores[site], self.events.append)
        return Span(plan, self.stores[site], os.urandom, self.events.append, maker)

    @asynccontextmanager
    async def running(self, box_a: Box, box_b: Box) -> AsyncIterator[None]:
        server = await self.span("b", box_b).listen(("127.0.0.1", 0))
        caller = asyncio.create_task(self.span("a", box_a).connect(server.sockets[0].getsockname()[:2]))
        try:
            yield
        finally:
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
            server.close()
            await asyncio.sleep(0.05)  # Bob's end sees the connection end

    def blocks(self, site: str = "a") -> list[BlockEvent]:
        return [event for event in self.events if isinstance(event, BlockEvent) and event.site == site]

    def alarms(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, AlarmEvent)]

    def states(self, site: str) -> list[str]:
        return [event.state for event in self.events if isinstance(event, SourceEvent) and event.site == site]

    def full(self) -> bool:
        a, b = self.stores["a"], self.stores["b"]
        wanted = self.targets.n_keys
        return all(a.count_ready("b", o) >= wanted and b.count_ready("a", o) >= wanted for o in "ab")

    def require_same(self) -> int:
        """Whatever is ready is the same at both ends. Returns how many keys are."""
        a, b, n_keys = self.stores["a"], self.stores["b"], 0
        for owner in "ab":
            n = a.count_ready("b", owner)
            assert n == b.count_ready("a", owner)
            n_keys += n
            if n:
                ours, theirs = a.reserve("b", owner, n, "test"), b.reserve("a", owner, n, "test")
                assert [(k.key_id, k.secret) for k in ours] == [(k.key_id, k.secret) for k in theirs]
        for ledger in span_ledgers("ab"):
            (head_a, end_a), (head_b, end_b) = a.ledger_bounds(ledger), b.ledger_bounds(ledger)
            head = max(head_a, head_b)
            assert end_a == end_b
            if end_a > head:
                assert a.ledger_peek(ledger, head, end_a - head) == b.ledger_peek(ledger, head, end_a - head)
        return n_keys

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.01)

    def close(self) -> None:
        for store in self.stores.values():
            store.close()


def with_entry(**changes: object) -> SourceEntry:
    return replace(FOLDER, **changes)
