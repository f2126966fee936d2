"""Relays that this site begins: pools of its own keys, filled ahead."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from haris.control.routing import Path
from haris.keys import relay, shares
from haris.keys.forecast import Claim, Demand, spare_keys
from haris.node.events import PoolEvent
from haris.node.relays.end_to_end import Sessions
from haris.node.relays.handing import VERB, Relaying, patience_s
from haris.node.relays.routes import Routes
from haris.node.supply.peers import KmePeers
from haris.nouns.errors import HarisError, KeyUnavailable, OutOfContact, PeerError, Unheard
from haris.nouns.keys import KEY_OCTETS
from haris.nouns.times import NS_PER_S
from haris.wire import relay as wire

IDLE_S = 0.1
FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 30.0
WHETHER_S = 1.0
"""How often a far end is asked which relays have come that are on their way."""
MOST_ON_THEIR_WAY = 48
"""Relays to one peer: fewer than a far end keeps the shares of."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A pool that relays fill.

    capacity: keys that it may hold. paths: shares of each key. end_to_end: whether ML-KEM masks each key, always.
    horizon_s: for how long it wants to last by forecast; what it lacks of that comes before the rest of any pool.
    arrive_within_s: how long a relay may be on its way over sites that reach one another in contacts only.
    """

    peer: str
    capacity: int
    paths: int = 1
    end_to_end: bool = False
    horizon_s: float = 60.0
    arrive_within_s: float = 86_400.0


@dataclass(slots=True)
class _State:
    """What is remembered of a pair: keys at the last look, demand, the paths that it draws on."""

    ready: int = 0
    target: int = 1
    demand: Demand = field(default_factory=Demand)
    paths: tuple[Path, ...] = ()
    at_most: int = wire.MAX_KEYS  # keys of the next relay, after one that did not arrive
    asked_ns: int | None = None  # when the far end was last asked which relays have come


class Filling:
    """The pools of one site. entropy: of its keys. now_ns: of a clock that goes on. clock_ns: since 1970."""

    def __init__(
        self,
        relaying: Relaying,
        routes: Routes,
        entropy: Callable[[int], bytes],
        sessions: Sessions | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._clock_ns = clock_ns
        self._relaying, self._routes, self._entropy, self._sessions = relaying, routes, entropy, sessions
        self._site, self._store, self._now_ns = relaying.site, relaying.store, now_ns
        self._told: dict[str, int] = {}
        self._states: dict[str, _State] = {}

    async def fill(self, peers: KmePeers, pair: Pair) -> None:
        """Keep a pool full of this site's own keys, for ever."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                moved = await self.fill_once(peers, pair)
                pause_s = FIRST_PAUSE_S
                await asyncio.sleep(0 if moved else IDLE_S)
            except OutOfContact:
                await asyncio.sleep(IDLE_S)  # nothing is lost, and a contact is short
            except KeyUnavailable:
                await asyncio.sleep(pause_s)  # a site is away, or a span is dry; nothing to tell an operator yet
                pause_s = min(2 * pause_s, LAST_PAUSE_S)
            except HarisError as error:
                self._relaying.alarm("minor", f"pool {pair.peer}", f"a relay failed: {error}")
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LAST_PAUSE_S)

    async def fill_once(self, peers: KmePeers, pair: Pair) -> bool:
        """Settle what is in doubt, tell the pool's level, and send one relay if keys are wanted and pad is there."""
        state = self._states.setdefault(pair.peer, _State())
        try:
            return await self._step(peers, pair, state)
        except HarisError:
            state.paths = ()  # what cannot be filled now claims no pad
            raise

    async def _step(self, peers: KmePeers, pair: Pair, state: _State) -> bool:
        n_waiting = await self._settle_doubts(peers, pair, state)
        self._relaying.require(pair.peer)
        ready = await self._look(pair, state)
        pending = await asyncio.to_thread(self._store.count_pending, pair.peer) if n_waiting else 0
        if ready + pending >= pair.capacity or n_waiting >= MOST_ON_THEIR_WAY:
            return False
        pads = await asyncio.to_thread(self._pads)
        try:
            paths = self._routes.choose(pair.peer, pair.paths, pads)
        except KeyUnavailable:
            await self._tell_heads(peers, pads)
            raise
        state.paths = paths
        n_keys = min(relay.fill(ready, pending, pair.capacity, self._pad_left(pair.peer, paths, pads)), state.at_most)
        if n_keys == 0:
            await self._tell_heads(peers, [path[1] for path in paths])
            return False
        arrived = await self._relay(peers, pair, paths, n_keys)
        state.at_most = wire.MAX_KEYS
        await self._look(pair, state, n_keys if arrived else 0)
        return True

    async def _settle_doubts(self, peers: KmePeers, pair: Pair, state: _State) -> int:
        """Ask for the fate of every relay in doubt, but for those on their way; returns how many that are."""
        asks = await asyncio.to_thread(shares.questions, self._store, pair.peer)
        if not asks:
            return 0
        waiting = set(await asyncio.to_thread(self._store.may_arrive, pair.peer, self._clock_ns()))
        if waiting and (state.asked_ns is None or self._now_ns() - state.asked_ns >= WHETHER_S * NS_PER_S):
            waiting -= await self._whole(peers, pair.peer, [ask.relay for ask in asks if ask.relay in waiting])
            state.asked_ns = self._now_ns()
        for ask in asks:
            if ask.relay not in waiting:
                done = await self._settle(peers, pair.peer, ask)
                if done.arrived is None:
                    self._learn(pair, (), done)
        return len(waiting)

    async def _whole(self, peers: KmePeers, peer: str, relays: Sequence[UUID]) -> set[UUID]:
        """Those of them that have come. None, where the far end's release does not know the question."""
        question = wire.RelayWhether(tuple(relays[: wire.MAX_ON_THEIR_WAY]))
        try:
            answer = wire.decode(await peers.ask(peer, VERB, wire.encode(question)))
        except PeerError:
            return set()
        return set(answer.relays) if isinstance(answer, wire.RelayWhole) else set()

    async def _look(self, pair: Pair, state: _State, n_arrived: int = 0) -> int:
        """Keys in the pool now; what is missing since the last look was drawn."""
        ready = await self.tell_level(pair.peer, pair.capacity)
        state.demand.draw(max(0, state.ready + n_arrived - ready), self._now_ns())
        state.ready, state.target = ready, state.demand.target(pair.horizon_s, pair.capacity)
        return ready

    def _pad_left(self, peer: str, paths: Sequence[Path], pads: Mapping[str, int]) -> int:
        """Octets of pad on these paths that the pool may use now: pools in more haste on the same hops come first."""
        hops = {hop for path in paths for hop in pairwise(path)}
        claims = [
            Claim(other, state.ready, state.target)
            for other, state in self._states.items()
            if other == peer or any(hop in hops for path in state.paths for hop in pairwise(path))
        ]
        octets = self._routes.pad_left(paths, pads)
        n_keys = (octets - relay.pad_octets(0)) // KEY_OCTETS
        return min(octets, relay.pad_octets(spare_keys(max(0, n_keys), claims, peer)))

    async def tell_level(self, peer: str, target: int) -> int:
        """Keys that this site may assign towards peer; told as an event when it has changed."""
        ready = await asyncio.to_thread(self._store.count_ready, peer, self._site)
        if self._told.get(peer) != ready:
            self._told[peer] = ready
            self._relaying.observe(PoolEvent(self._site, peer, ready, target))
        return ready

    async def _relay(self, peers: KmePeers, pair: Pair, paths: Sequence[Path], n_keys: int) -> bool:
        """One relay, every share over its own path: True when it has arrived, False while it is on its way.

        KeyUnavailable when it did not arrive whole, and never will.
        """
        session = None
        if pair.end_to_end:
            if self._sessions is None:
                raise KeyUnavailable(f"keys for {pair.peer} want the end-to-end layer, which this site has not")
            session = await self._sessions.current(peers, pair.peer)
            session.n_keys += n_keys
        for path in paths:
            self._relaying.require(path[1])
        ledgers = [self._relaying.neighbour(path[1]).outgoing for path in paths]
        waits = self._routes.are_in_contacts(paths)
        until_ns = self._clock_ns() + round(pair.arrive_within_s * NS_PER_S) if waits else None

        def originate() -> shares.Job:
            if any(self._store.count_carried(ledger) for ledger in ledgers):
                raise KeyUnavailable("what is held for the next site goes first: its pad comes before")
            return shares.originate(self._store, paths, ledgers, n_keys, self._entropy, session, until_ns)

        job = await asyncio.to_thread(originate)
        for sent in job.sent:
            self._relaying.account(job.relay, sent.spent)
        # The far end's own word decides, not that of the sites between.
        answers = await asyncio.gather(*(self._send(peers, sent) for sent in job.sent))
        waits = waits and not any(isinstance(answer, wire.RelayRefused) for answer in answers)
        done = None if waits else await self._settle(peers, pair.peer, job.ask)
        if done is not None and done.arrived is None:
            self._take_back(pair, paths, n_keys, done)
        self._routes.used(paths, n_keys)
        for sent in job.sent:
            self._relaying.tell(sent.message.path, n_keys, sent.spent)
        return done is not None

    def _take_back(self, pair: Pair, paths: Sequence[Path], n_keys: int, done: wire.RelayDone) -> None:
        """Find another way for the next relay, or a smaller size, and raise KeyUnavailable.

        Raises PeerError when no relay of this kind can arrive.
        """
        self._learn(pair, paths, done)
        # A span further on may hold too little pad for so many keys, and yet too much to make another block.
        self._states[pair.peer].at_most = max(1, n_keys // 2)
        raise KeyUnavailable(f"a relay to {pair.peer} did not arrive")

    def _learn(self, pair: Pair, paths: Sequence[Path], done: wire.RelayDone) -> None:
        """What a relay that did not arrive says of those to come. paths: that it took, where they are still known.

        Raises PeerError when no relay of this kind can arrive.
        """
        if done.unmasked:
            raise PeerError(f"{pair.peer} demands keys that are masked end to end: set end_to_end for this [[pair]]")
        for number, path in enumerate(paths):
            if done.altered or not done.missing or number in done.missing:
                self._routes.blame(path)
        if done.altered:
            over = f" over {', '.join('-'.join(path) for path in paths)}" if paths else ""
            text = f"keys were altered on their way{over}: none is kept"
            self._relaying.alarm("major", f"pool {pair.peer}", text)
        elif pair.end_to_end and not done.missing and self._sessions is not None:
            self._sessions.end(pair.peer)  # the far end may have started anew, without the session

    async def _send(self, peers: KmePeers, sent: relay.Sent) -> wire.Message | None:
        """What the first site of its path says; None when nobody knows whether it took the share."""
        message = sent.message
        try:
            return wire.decode(await peers.ask(message.path[1], VERB, wire.encode(message), patience_s(message.path)))
        except (PeerError, Unheard):
            return wire.RelayRefused(message.relay, message.share)
        except HarisError:
            return None

    async def _tell_heads(self, peers: KmePeers, neighbours: Iterable[str]) -> None:
        """Pad that went astray is told to the neighbours, so that they make blocks to fill it."""
        for neighbour in neighbours:
            with contextlib.suppress(HarisError):
                await self._relaying.tell_head(peers, neighbour)

    async def _settle(self, peers: KmePeers, peer: str, ask: wire.RelayAsk) -> wire.RelayDone:
        done = wire.decode(await peers.ask(peer, VERB, wire.encode(ask)))
        if not isinstance(done, wire.RelayDone) or done.relay != ask.relay:
            raise PeerError(f"{peer} answered for another relay")
        await asyncio.to_thread(shares.settle, self._store, done)
        return done

    def _pads(self) -> dict[str, int]:
        """Octets in the relay ledgers of this site towards each neighbour."""
        bounds = {site: self._store.ledger_bounds(by.outgoing) for site, by in self._relaying.neighbours.items()}
        return {site: end - head for site, (head, end) in bounds.items()}
