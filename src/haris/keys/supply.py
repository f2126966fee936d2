"""The supply of keys to pairs of applications, whatever the interface that they ask through.

Delivery at the owner's site: stock READY → RESERVED (durable) → every other site holds its assignment → own copy SPENT
(durable) → the keys leave. A site that refuses or does not answer: nothing leaves, and what was reserved is void at
all ends as soon as they can be told. Methods are blocking; the network lies outside, behind AskPeers.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from haris.keys.assignment import cut_key, stock_for_key, stock_for_wrapping, wrap_key, wrapped_pedigree
from haris.keys.directory import Directory
from haris.keys.pools import Pool
from haris.keys.store import ANY_GRADE, Grade, KeyStore
from haris.nouns.alarms import Alarm, Severity
from haris.nouns.assignments import Assignment, Void
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import DeliveredKey, Origin, StoredKey


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for, and what a pool holds. Sizes in bits."""

    key_size: int = 256
    min_key_size: int = 64
    max_key_size: int = 4096
    max_key_per_request: int = 128
    max_key_count: int = 100_000
    max_sae_id_count: int = 8

    def __post_init__(self) -> None:
        if any(size % 8 for size in (self.key_size, self.min_key_size, self.max_key_size)):
            raise ParameterError("key sizes are multiples of 8 bits")
        if not 0 < self.min_key_size <= self.key_size <= self.max_key_size:
            raise ParameterError("key sizes must obey 0 < min_key_size <= key_size <= max_key_size")
        if self.max_key_per_request < 1 or self.max_key_count < 1 or self.max_sae_id_count < 0:
            raise ParameterError("max_key_per_request and max_key_count are at least 1, max_sae_id_count at least 0")


@dataclass(frozen=True, slots=True)
class Order:
    """Keys that a master wants. slaves: the first lives at the peer site, the others anywhere. size in bits."""

    master: str
    slaves: tuple[str, ...]
    n_keys: int
    size_bits: int
    max_epsilon: float | None = None


@dataclass(frozen=True, slots=True)
class AskPeers:
    """Have each site store its assignments; answered by one PeerReply a site, in this order."""

    assignments: tuple[tuple[str, tuple[Assignment, ...]], ...]


@dataclass(frozen=True, slots=True)
class PeerReply:
    """Whether a site holds its assignments durably. Not accepted: it said no, or said nothing."""

    accepted: bool
    reason: str = ""


Delivery = Generator[AskPeers, tuple[PeerReply, ...], tuple[DeliveredKey, ...]]


class EmulatedKeyRefused(KeyUnavailable):
    """There are keys, but emulated ones, and this node is no laboratory. alarm: for the operator."""

    def __init__(self, peer: str) -> None:
        super().__init__("the keys here are emulated, and this node is no laboratory", retry_after_s=60)
        self.alarm = Alarm(Severity.MAJOR, peer, "emulated keys were asked for at a node that is no laboratory")


class EpsilonUnmet(KeyUnavailable):
    """There are keys, but none so close to ideal."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Hands out the keys of one site. laboratory: whether emulated keys may be delivered."""

    store: KeyStore
    directory: Directory
    limits: Limits = Limits()
    laboratory: bool = False

    def peer_site(self, master: str, slave: str) -> str:
        """The site of slave, for a master at this site. Raises Unauthorised and ParameterError."""
        self.directory.require_caller(master)
        if master == slave:
            raise ParameterError("master and slave SAE are the same")
        site = self.directory.require_site(slave)
        if site == self.directory.site:
            raise ParameterError(f"SAE {slave} lives at this site: its keys need no key distribution")
        return site

    def stored_key_count(self, peer: str) -> int:
        """Keys of 256 bits that could be delivered now for a slave at peer."""
        pool = Pool(self.store, peer, self.directory.site, self.limits.max_key_count)
        return pool.stored_key_count(Grade(emulated=self.laboratory))

    def enc_keys(self, order: Order) -> Delivery:
        """Deliver fresh keys to the master. Raises KeyUnavailable, ParameterError and Unauthorised."""
        peer = self.peer_site(order.master, order.slaves[0])
        slaves = self._slaves_by_site(order)
        reserved = self._reserve(order, peer, [site for site in slaves if site not in (peer, self.directory.site)])
        keys, announced = _assign(order, peer, reserved, slaves, self.directory.site)
        key_ids = [key.key_id for key in keys]
        local = announced.pop(self.directory.site, ())
        for site, assignments in announced.items():
            self.store.record_assignments(site, assignments)
        delivered = False
        try:
            if local:
                self.store.keep_assignments(self.directory.site, local)
            replies = yield AskPeers(tuple(announced.items()))
            for site, reply in zip(announced, replies, strict=True):
                if not reply.accepted:
                    raise KeyUnavailable(f"site {site} does not hold its assignment: {reply.reason}")
            delivered = True
        finally:
            self.store.close_assignments(key_ids, delivered=delivered)
        return keys

    def dec_keys(self, master: str, slave: str, key_ids: Sequence[UUID]) -> tuple[DeliveredKey, ...]:
        """Deliver assigned keys to a slave at this site. Raises Unauthorised, KeyNotFound and KeyUnavailable."""
        self.directory.require_caller(slave)
        keys = self.store.fetch_assigned(master, slave, key_ids)
        if not self.laboratory and any(key.pedigree.origin is Origin.EMULATED for key in keys):
            raise EmulatedKeyRefused(self.directory.saes.get(master, master))
        return keys

    def accept(self, owner: str, assignments: Sequence[Assignment]) -> None:
        """Another site assigns keys to slaves at this one. Raises PeerError when that is not its to do."""
        for assignment in assignments:
            self._check(owner, assignment)
        self.store.accept_assignments(owner, assignments)

    def void(self, owner: str, voids: Sequence[Void]) -> None:
        """Another site takes its word back."""
        self.store.void_assignments(owner, voids)

    def recover(self) -> int:
        """After a start: void what a crash left announced. Returns how many keys that burns."""
        in_doubt = {key_id for _, key_id in self.store.assignments_in_doubt()}
        self.store.close_assignments(sorted(in_doubt), delivered=False)
        return len(in_doubt)

    def _slaves_by_site(self, order: Order) -> dict[str, tuple[str, ...]]:
        slaves: dict[str, tuple[str, ...]] = {}
        for slave in order.slaves:
            site = self.directory.require_site(slave)
            slaves[site] = (*slaves.get(site, ()), slave)
        return slaves

    def _reserve(self, order: Order, peer: str, others: Sequence[str]) -> dict[str, tuple[StoredKey, ...]]:
        """The stock of all keys, by the site that shares it: all or none."""
        pieces, pads = stock_for_key(order.size_bits), stock_for_wrapping(order.size_bits)
        each = None if order.max_epsilon is None else order.max_epsilon / (pieces + pads * len(others))
        reserved: dict[str, tuple[StoredKey, ...]] = {}
        try:
            for site, n_pieces in ((peer, pieces), *((other, pads) for other in others)):
                reserved[site] = self._reserve_at(site, order.n_keys * n_pieces, each)
        except KeyUnavailable:
            self.store.release([piece.key_id for stock in reserved.values() for piece in stock])
            raise
        return reserved

    def _reserve_at(self, site: str, n_keys: int, max_epsilon: float | None) -> tuple[StoredKey, ...]:
        own = self.directory.site
        try:
            return self.store.reserve(site, own, n_keys, "delivery", Grade(max_epsilon, self.laboratory))
        except KeyUnavailable:
            if self.store.count_ready(site, own, Grade(emulated=self.laboratory)) >= n_keys:
                raise EpsilonUnmet(f"too few keys shared with {site} are so close to ideal") from None
            if self.store.count_ready(site, own, ANY_GRADE) >= n_keys:
                raise EmulatedKeyRefused(site) from None
            raise

    def _check(self, owner: str, assignment: Assignment) -> None:
        name, sites = assignment.key_id, self.directory.saes
        if sites.get(assignment.master) != owner:
            raise PeerError(f"key {name}: master {assignment.master} does not live at {owner}")
        if any(sites.get(slave) != self.directory.site for slave in assignment.slaves):
            raise PeerError(f"key {name} is assigned to a slave that does not live here")
        if assignment.size_bits > self.limits.max_key_size:
            raise PeerError(f"key {name} is longer than {self.limits.max_key_size} bits")
        if assignment.pedigree.origin is Origin.EMULATED and not self.laboratory:
            raise PeerError(f"key {name} is emulated, and this node is no laboratory")


def _assign(
    order: Order,
    peer: str,
    reserved: Mapping[str, Sequence[StoredKey]],
    slaves: Mapping[str, tuple[str, ...]],
    own: str,
) -> tuple[tuple[DeliveredKey, ...], dict[str, tuple[Assignment, ...]]]:
    """The keys, and for each site what it is to store, the master's own included when it has slaves there."""
    keys: list[DeliveredKey] = []
    announced: dict[str, list[Assignment]] = {site: [] for site in slaves}
    for number in range(order.n_keys):
        stock = {site: _share(pieces, order.n_keys, number) for site, pieces in reserved.items()}
        key = cut_key(stock[peer], order.size_bits)
        pads = [pad for site, pieces in stock.items() if site != peer for pad in pieces]
        pedigree = wrapped_pedigree(key.pedigree, pads) if pads else key.pedigree
        key = DeliveredKey(key.key_id, key.secret, pedigree)
        keys.append(key)
        for site, named in slaves.items():
            pieces = stock[peer if site == own else site]
            ids = tuple(piece.key_id for piece in pieces)
            word = Assignment(key.key_id, order.size_bits, ids, order.master, named, pedigree)
            announced[site].append(word if site in (peer, own) else wrap_key(key, pieces, word))
    return tuple(keys), {site: tuple(words) for site, words in announced.items()}


def _share(pieces: Sequence[StoredKey], n_keys: int, number: int) -> Sequence[StoredKey]:
    each = len(pieces) // n_keys
    return pieces[number * each : (number + 1) * each]
