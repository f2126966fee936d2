"""The peer face of relay at one site: shares passed on, shares and questions for this site's own keys answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from haris.crypto.ledger import ledger_name
from haris.keys import relay, shares
from haris.keys.store import KeyStore
from haris.node.events import AlarmEvent, Observe, PadEvent, RelayEvent
from haris.node.relays.end_to_end import Sessions
from haris.node.spans.reach import Reach
from haris.node.supply.peers import KmePeers
from haris.nouns.alarms import AlarmKind
from haris.nouns.errors import KeyUnavailable, OutOfContact, PeerError
from haris.wire import relay as wire

VERB = "relay"
PER_SPAN_S = 5.0
"""How long a share may take for each span of its path."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A site at the other end of a span, whether this site is the span's Alice, and whether the two reach each other in
    contacts only."""

    span: str
    alice: bool
    in_contacts: bool = False

    @property
    def outgoing(self) -> str:
        """The relay ledger in which this site sends to the neighbour."""
        return ledger_name(self.span, "relay", "ab" if self.alice else "ba")

    @property
    def incoming(self) -> str:
        """The relay ledger in which the neighbour sends to this site."""
        return ledger_name(self.span, "relay", "ba" if self.alice else "ab")


class Relaying:
    """One site's part in relays that others begin, and what its own part (relay_filling.py) shares with it.

    neighbours: by site. sessions: of the end-to-end layer. masked_only: owners whose keys are not taken without one.
    reach: of the neighbours, some of which may be in contact at times only.
    """

    def __init__(
        self,
        site: str,
        store: KeyStore,
        neighbours: Mapping[str, Neighbour],
        observe: Observe,
        sessions: Sessions | None = None,
        masked_only: frozenset[str] = frozenset(),
        reach: Reach | None = None,
    ) -> None:
        self.site, self.store, self.neighbours, self.observe = site, store, neighbours, observe
        self.reach = reach or Reach()
        self._sessions, self._masked_only = sessions, masked_only
        self._head_told: dict[str, int] = {}
        self.require: Callable[[str], None] = lambda site: None
        """KeyUnavailable while what is shared with a site must not be used."""

    async def handle(self, peers: KmePeers, caller: str, body: bytes) -> bytes:
        """Answer one message of the key manager of site `caller`. Raises PeerError and KeyUnavailable."""
        message = wire.decode(body)
        try:
            self.require(caller)
        except KeyUnavailable:
            if isinstance(message, wire.RelayKeysInContacts):
                return wire.encode(wire.RelayRefused(message.relay, message.share))
            raise
        if isinstance(message, wire.RelayAsk):
            return wire.encode(await self._answer(caller, message))
        if isinstance(message, wire.RelayWhether):
            here = await asyncio.to_thread(shares.arrived, self.store, message.relays, caller)
            return wire.encode(wire.RelayWhole(here))
        if isinstance(message, wire.RelayHead):
            return await self._follow_head(caller, message)
        if not isinstance(message, wire.RelayKeys):
            raise PeerError(f"a {type(message).__name__} asks for nothing")
        previous = relay.previous_site(message.path, self.site)
        if previous != caller:
            raise PeerError(f"a relay over {'-'.join(message.path)} came from {caller}")
        incoming = self.neighbour(previous).incoming
        if message.path[-1] != self.site:
            return await self._pass_on(peers, message, incoming)
        received = await asyncio.to_thread(relay.receive, self.store, message, self.site, incoming)
        self.account(message.relay, received.spent)
        return wire.encode(received.held)

    async def _pass_on(self, peers: KmePeers, message: wire.RelayKeys, incoming: str) -> bytes:
        """What the next site says; of a share that may wait, that it is held here for that, or not taken."""
        onward = relay.next_site(message.path, self.site)
        try:
            self.require(onward)
            sent = await self._seal(peers, message, incoming, onward)
        except KeyUnavailable:
            if isinstance(message, wire.RelayKeysInContacts):
                return wire.encode(wire.RelayRefused(message.relay, message.share))
            raise
        self.account(message.relay, sent.spent)
        self.tell(message.path, message.n_keys, sent.spent)
        if isinstance(message, wire.RelayKeysInContacts) and self.neighbour(onward).in_contacts:
            return wire.encode(wire.RelayCarried(message.relay, message.share, self.reach.next_ns(onward)))
        return await peers.ask(onward, VERB, wire.encode(sent.message), patience_s(message.path))

    async def _seal(self, peers: KmePeers, message: wire.RelayKeys, incoming: str, onward: str) -> relay.Sent:
        """The share sealed for the next site, and held for it if need be (node/relays/carrying.py sends it)."""
        neighbour = self.neighbour(onward)

        def seal() -> relay.Sent:
            if not neighbour.in_contacts:
                return relay.forward(self.store, message, self.site, incoming, neighbour.outgoing)
            if isinstance(message, wire.RelayKeysInContacts):
                return relay.carry(self.store, message, self.site, incoming, neighbour.outgoing)
            self.reach.require(onward)
            if self.store.count_carried(neighbour.outgoing):  # their pad comes before
                raise KeyUnavailable(f"what is held for {onward} goes first")
            return relay.forward(self.store, message, self.site, incoming, neighbour.outgoing)

        try:
            return await asyncio.to_thread(seal)
        except OutOfContact:
            raise
        except KeyUnavailable:
            await self.tell_head(peers, onward)
            raise

    async def _answer(self, owner: str, ask: wire.RelayAsk) -> wire.RelayDone:
        """The fate of a relay whose far end this site is, told to its owner."""

        session = None
        if self._sessions is not None and ask.session is not None:
            session = self._sessions.find(owner, ask.session)
        masked_only = owner in self._masked_only

        def settle() -> tuple[wire.RelayDone, tuple[str, ...]]:
            over = tuple("-".join(share.path) for share in self.store.shares_of(ask.relay))
            return shares.fate(self.store, ask, owner, session, masked_only=masked_only), over

        done, over = await asyncio.to_thread(settle)
        if done.altered:
            self.alarm("major", f"pool {owner}", f"keys were altered on their way over {', '.join(over)}: none is kept")
        if done.unmasked:
            self.alarm("minor", f"pool {owner}", f"keys of {owner} are refused: they are not masked end to end")
        return done

    async def tell_head(self, peers: KmePeers, neighbour: str) -> None:
        """Tell a neighbour how far our relay ledger towards it is burnt, once for each place."""
        ledger = self.neighbour(neighbour).outgoing
        head = await asyncio.to_thread(self.store.head_to_tell, ledger)
        if self._head_told.get(ledger) != head:
            await peers.ask(neighbour, VERB, wire.encode(wire.RelayHead(ledger, head)))
            self._head_told[ledger] = head

    async def _follow_head(self, caller: str, message: wire.RelayHead) -> bytes:
        if message.ledger != self.neighbour(caller).incoming:
            raise PeerError(f"{caller} tells the head of {message.ledger}, which is not its own")
        await asyncio.to_thread(self.store.ledger_burn_to, message.ledger, message.head)
        return wire.encode(message)

    def neighbour(self, site: str) -> Neighbour:
        """The span to a site. PeerError when it is no neighbour."""
        if site not in self.neighbours:
            raise PeerError(f"{site} is no neighbour of {self.site}")
        return self.neighbours[site]

    def account(self, name: UUID, spent: tuple[relay.Spent, ...]) -> None:
        """Tell of pad that a relay used here."""
        for pad in spent:
            self.observe(PadEvent(self.site, name, pad.ledger, pad.offset, pad.octets))

    def tell(self, path: tuple[str, ...], n_keys: int, spent: tuple[relay.Spent, ...]) -> None:
        """Tell of a share that this site has sent."""
        self.observe(RelayEvent(self.site, path[-1], path, n_keys, sum(pad.octets for pad in spent)))

    def alarm(self, severity: str, source: str, text: str) -> None:
        """Tell an operator of a relay that failed."""
        self.observe(AlarmEvent(self.site, severity, source, text, AlarmKind.RELAY_FAILED))


def patience_s(path: tuple[str, ...]) -> float:
    """How long a share may take over path, in seconds."""
    return PER_SPAN_S * len(path)
