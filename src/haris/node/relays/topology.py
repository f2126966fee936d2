"""Telling neighbours what this site knows of the network's spans, and hearing them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from haris.control.topology import View
from haris.keys.store import KeyStore
from haris.node.events import Event, SiteEvent
from haris.node.supply.peers import KmePeers
from haris.nouns.errors import HarisError
from haris.wire import topology as wire
from haris.wire.topology import SpanLevel

PERIOD_S = 1.0

RATE_MEMORY_S = 60.0
"""Over how long the key rate of a span is averaged: blocks come seconds apart."""


def steady_clock() -> Callable[[], int]:
    """Nanoseconds since 1970 as the wall clock says now, and from then on without its jumps."""
    offset_ns = time.time_ns() - time.monotonic_ns()
    return lambda: offset_ns + time.monotonic_ns()


@dataclass(slots=True)
class _Watched:
    """A ledger's end when it was last looked at, and the mean rate at which it grows."""

    end: int
    at_s: float
    rate_bits_s: float = 0.0


@dataclass(slots=True)
class Topology:
    """This site's part in it. outgoing: its relay ledger towards each neighbour; spans: neighbour by span's name."""

    view: View
    store: KeyStore
    outgoing: Mapping[str, str]
    spans: Mapping[str, str]
    now_ns: Callable[[], int] = time.time_ns
    _up: set[str] = field(default_factory=set)
    _watched: dict[str, _Watched] = field(default_factory=dict)

    def observe(self, event: Event) -> None:
        """Follow what the spans of this site tell of themselves."""
        if isinstance(event, SiteEvent) and event.what in ("span connected", "span lost", "span out of contact"):
            neighbour = self.spans.get(event.detail.partition(":")[0])
            if neighbour is not None and event.what == "span connected":
                self._up.add(neighbour)
            elif neighbour is not None:
                self._up.discard(neighbour)

    async def handle(self, caller: str, body: bytes) -> bytes:
        """Hear a neighbour and answer with what is known newer here. Raises PeerError."""
        return wire.encode(self.view.hear(wire.decode(body), caller, self.now_ns()))

    async def run(self, peers: KmePeers) -> None:
        """Tell the neighbours, time and again, for ever."""
        while True:
            with contextlib.suppress(HarisError):  # a store that fails says so where keys are at stake
                await self.tell(peers)
            await asyncio.sleep(PERIOD_S)

    async def tell(self, peers: KmePeers) -> None:
        """Tell the neighbours once."""
        levels = await asyncio.to_thread(self._levels)
        body = wire.encode(self.view.announce(levels, self.now_ns()))
        await asyncio.gather(*(self._tell(peers, neighbour, body) for neighbour in self.outgoing))

    async def _tell(self, peers: KmePeers, neighbour: str, body: bytes) -> None:
        with contextlib.suppress(HarisError):  # away, or of a release that does not know this verb
            answer = wire.decode(await peers.ask(neighbour, wire.VERB, body, PERIOD_S))
            self.view.hear(answer, neighbour, self.now_ns())

    def _levels(self) -> list[SpanLevel]:
        levels = []
        for neighbour, ledger in self.outgoing.items():
            head, end = self.store.ledger_bounds(ledger)
            rate_bits_s = self._rate_bits_s(ledger, end)
            levels.append(SpanLevel(neighbour, end - head, rate_bits_s, neighbour in self._up))
        return levels

    def _rate_bits_s(self, ledger: str, end: int) -> float:
        """The mean rate at which a ledger grows, older growth weighing less."""
        now_s = self.now_ns() / 1e9
        watched = self._watched.setdefault(ledger, _Watched(end, now_s))
        passed_s = now_s - watched.at_s
        if passed_s > 0:
            weight = min(1.0, passed_s / RATE_MEMORY_S)
            grown_bits_s = 8 * max(0, end - watched.end) / passed_s
            watched.rate_bits_s += weight * (grown_bits_s - watched.rate_bits_s)
        watched.end, watched.at_s = end, now_s
        return watched.rate_bits_s
