"""Relaying at one site: its own pools filled ahead, other sites' keys passed on, keys for itself received."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from haris.crypto.ledger import ledger_name
from haris.keys import relay
from haris.keys.store import KeyStore
from haris.node.events import AlarmEvent, Observe, PadEvent, PoolEvent, RelayEvent
from haris.node.kme_peers import KmePeers
from haris.nouns.errors import HarisError, KeyUnavailable, PeerError
from haris.wire import relay as wire

VERB = "relay"
IDLE_S = 0.1
FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 30.0
PER_SPAN_S = 5.0
"""How long a relay may take for each span of its path."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A site at the other end of a span, and whether this site is the span's Alice."""

    span: str
    alice: bool

    @property
    def outgoing(self) -> str:
        """The relay ledger in which this site sends to the neighbour."""
        return ledger_name(self.span, "relay", "ab" if self.alice else "ba")

    @property
    def incoming(self) -> str:
        """The relay ledger in which the neighbour sends to this site."""
        return ledger_name(self.span, "relay", "ba" if self.alice else "ab")


class Relaying:
    """One site's part in relays. neighbours: by site."""

    def __init__(
        self,
        site: str,
        store: KeyStore,
        neighbours: Mapping[str, Neighbour],
        entropy: Callable[[int], bytes],
        observe: Observe,
    ) -> None:
        self._site, self._store, self._neighbours = site, store, neighbours
        self._entropy, self._observe = entropy, observe
        self._told: dict[str, int] = {}
        self._head_told: dict[str, int] = {}
        self._at_most: dict[str, int] = {}  # keys of the next relay towards a peer, after one that did not arrive

    async def handle(self, peers: KmePeers, caller: str, body: bytes) -> bytes:
        """Answer one message of the key manager of site `caller`. Raises PeerError and KeyUnavailable."""
        message = wire.decode(body)
        if isinstance(message, wire.RelayAsk):
            return wire.encode(await asyncio.to_thread(relay.fate, self._store, message.relay))
        if isinstance(message, wire.RelayHead):
            return await self._follow_head(caller, message)
        if not isinstance(message, wire.RelayKeys):
            raise PeerError(f"a {type(message).__name__} asks for nothing")
        previous = relay.previous_site(message.path, self._site)
        if previous != caller:
            raise PeerError(f"a relay over {'-'.join(message.path)} came from {caller}")
        incoming = self._neighbour(previous).incoming
        if message.path[-1] == self._site:
            received = await asyncio.to_thread(relay.receive, self._store, message, self._site, incoming)
            self._account(message.relay, received.spent)
            return wire.encode(received.done)
        onward = relay.next_site(message.path, self._site)
        outgoing = self._neighbour(onward).outgoing
        try:
            sent = await asyncio.to_thread(relay.forward, self._store, message, self._site, incoming, outgoing)
        except KeyUnavailable:
            await self._tell_head(peers, onward)
            raise
        self._account(message.relay, sent.spent)
        self._tell(message.path, message.n_keys, sent.spent)
        return await peers.ask(onward, VERB, wire.encode(sent.message), self._patience_s(message.path))

    async def fill(self, peers: KmePeers, path: tuple[str, ...], target: int) -> None:
        """Keep the pool towards the end of path at target keys of this site's own, for ever."""
        peer, pause_s = path[-1], FIRST_PAUSE_S
        while True:
            try:
                moved = await self._fill_once(peers, path, target)
                pause_s = FIRST_PAUSE_S
                await asyncio.sleep(0 if moved else IDLE_S)
            except KeyUnavailable:
                await asyncio.sleep(pause_s)  # a site is away, or a span is dry; nothing to tell an operator yet
                pause_s = min(2 * pause_s, LAST_PAUSE_S)
            except HarisError as error:
                self._observe(AlarmEvent(self._site, "minor", f"pool {peer}", f"a relay failed: {error}"))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LAST_PAUSE_S)

    async def _fill_once(self, peers: KmePeers, path: tuple[str, ...], target: int) -> bool:
        """Settle what is in doubt, tell the pool's level, and send one relay if keys are wanted and pad is there."""
        peer, ledger = path[-1], self._neighbour(path[1]).outgoing
        for doubted in await asyncio.to_thread(self._store.relays_in_doubt, peer):
            await self._settle(peers, peer, wire.RelayAsk(doubted))
        ready = await self.tell_level(peer, target)
        head, end = await asyncio.to_thread(self._store.ledger_bounds, ledger)
        n_keys = min(relay.fill(ready, 0, target, end - head), self._at_most.get(peer, wire.MAX_KEYS))
        if n_keys == 0:
            if ready < target:
                await self._tell_head(peers, path[1])
            return False
        sent = await asyncio.to_thread(relay.originate, self._store, path, ledger, n_keys, self._entropy)
        self._account(sent.message.relay, sent.spent)
        with contextlib.suppress(HarisError):  # the far end's own word decides, not that of the sites between
            await peers.ask(path[1], VERB, wire.encode(sent.message), self._patience_s(path))
        if not await self._settle(peers, peer, wire.RelayAsk(sent.message.relay)):
            # A span further on may hold too little pad for so many keys, and yet too much to make another block.
            self._at_most[peer] = max(1, n_keys // 2)
            raise KeyUnavailable(f"a relay to {peer} did not arrive")
        self._at_most.pop(peer, None)
        self._tell(path, n_keys, sent.spent)
        await self.tell_level(peer, target)
        return True

    async def _tell_head(self, peers: KmePeers, neighbour: str) -> None:
        """Tell a neighbour how far our relay ledger towards it is burnt, once for each place."""
        ledger = self._neighbour(neighbour).outgoing
        head, _ = await asyncio.to_thread(self._store.ledger_bounds, ledger)
        if self._head_told.get(ledger) != head:
            await peers.ask(neighbour, VERB, wire.encode(wire.RelayHead(ledger, head)))
            self._head_told[ledger] = head

    async def _follow_head(self, caller: str, message: wire.RelayHead) -> bytes:
        if message.ledger != self._neighbour(caller).incoming:
            raise PeerError(f"{caller} tells the head of {message.ledger}, which is not its own")
        await asyncio.to_thread(self._store.ledger_burn_to, message.ledger, message.head)
        return wire.encode(message)

    async def _settle(self, peers: KmePeers, peer: str, ask: wire.RelayAsk) -> bool:
        done = wire.decode(await peers.ask(peer, VERB, wire.encode(ask)))
        if not isinstance(done, wire.RelayDone) or done.relay != ask.relay:
            raise PeerError(f"{peer} answered for another relay")
        await asyncio.to_thread(relay.settle, self._store, done)
        return done.arrived is not None

    async def tell_level(self, peer: str, target: int) -> int:
        """Keys that this site may assign towards peer; told as an event when it has changed."""
        ready = await asyncio.to_thread(self._store.count_ready, peer, self._site)
        if self._told.get(peer) != ready:
            self._told[peer] = ready
            self._observe(PoolEvent(self._site, peer, ready, target))
        return ready

    def _neighbour(self, site: str) -> Neighbour:
        if site not in self._neighbours:
            raise PeerError(f"{site} is no neighbour of {self._site}")
        return self._neighbours[site]

    def _account(self, name: UUID, spent: tuple[relay.Spent, ...]) -> None:
        for pad in spent:
            self._observe(PadEvent(self._site, name, pad.ledger, pad.offset, pad.octets))

    def _tell(self, path: tuple[str, ...], n_keys: int, spent: tuple[relay.Spent, ...]) -> None:
        self._observe(RelayEvent(self._site, path[-1], path, n_keys, sum(pad.octets for pad in spent)))

    @staticmethod
    def _patience_s(path: tuple[str, ...]) -> float:
        return PER_SPAN_S * len(path)
