"""The supply of keys to pairs of applications, whatever the interface that they ask through.

Delivery at the owner's site: stock READY → RESERVED (durable) → every other site holds its assignment → own copy SPENT
(durable) → the keys leave. A site that refuses or does not answer: nothing leaves, and what was reserved is void at
all ends as soon as they can be told. Methods are blocking; the network lies outside, behind AskPeers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from uuid import UUID

from haris.keys.admission import Admission
from haris.keys.assignment import cut_key, stock_for_key, stock_for_wrapping, wrap_key, wrapped_pedigree
from haris.keys.directory import Directory
from haris.keys.policy import EVERYBODY, Rule
from haris.keys.store import ANY_GRADE, Fetch, Grade, KeyStore, Take
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.assignments import Assignment, Handover, Lease, Purge, Void
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, PeerError, StoreError, Unauthorised
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import KEY_OCTETS, DeliveredKey, Origin, StoredKey


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


def narrowed(limits: Limits, rule: Rule) -> Limits:
    """The limits of a pair that rule governs. ParameterError when the two leave no size of key."""
    if rule is EVERYBODY:
        return limits
    low = max(limits.min_key_size, rule.min_size_bits or 0)
    high = min(limits.max_key_size, rule.max_size_bits or limits.max_key_size)
    return replace(
        limits,
        key_size=min(max(limits.key_size, low), high),
        min_key_size=low,
        max_key_size=high,
        max_key_per_request=min(limits.max_key_per_request, rule.most_at_once or limits.max_key_per_request),
    )


@dataclass(frozen=True, slots=True)
class Order:
    """Keys that a master wants. slaves: the first lives at the peer site, the others anywhere. size in bits.

    names: the key_IDs, one a key, each never used before; empty: each key is named after its first piece of stock.
    interface: which face it came by.
    """

    master: str
    slaves: tuple[str, ...]
    n_keys: int
    size_bits: int
    max_epsilon: float | None = None
    names: tuple[UUID, ...] = ()
    interface: str = "014"

    def __post_init__(self) -> None:
        if self.names and len(set(self.names)) != self.n_keys:
            raise ParameterError(f"{self.n_keys} keys need as many distinct names, got {len(set(self.names))}")


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


def _confirmed(site: str) -> None:
    """Nobody has to confirm anything."""


_EMULATED = "emulated keys were asked for at a node that is no laboratory"


class EmulatedKeyRefused(KeyUnavailable):
    """There are keys, but emulated ones, and this node is no laboratory. alarm: for the operator."""

    def __init__(self, peer: str) -> None:
        super().__init__("the keys here are emulated, and this node is no laboratory", retry_after_s=60)
        self.alarm = Alarm(Severity.MAJOR, peer, _EMULATED, AlarmKind.EMULATED_REFUSED)


class EpsilonUnmet(KeyUnavailable):
    """There are keys, but none so close to ideal."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Hands out the keys of one site. laboratory: whether emulated keys may be delivered.

    admission: who may have keys, how many and how fast. confirmed: raises KeyUnavailable while what is shared with a
    site must not be used. trusted: raises PeerError for a site that must not be heard.
    """

    store: KeyStore
    directory: Directory
    limits: Limits = Limits()
    laboratory: bool = False
    admission: Admission = field(default_factory=Admission)
    confirmed: Callable[[str], None] = _confirmed
    trusted: Callable[[str], None] = _confirmed
    left_open: deque[tuple[Sequence[UUID], Sequence[UUID]]] = field(default_factory=deque, repr=False)
    """Key_IDs and stock of deliveries that failed and could not be closed: see settle."""

    def limits_for(self, master: str, slave: str) -> Limits:
        """What one request of this pair may ask for. Unauthorised when it may share no keys."""
        return narrowed(self.limits, self.admission.rule(master, slave))

    def peer_site(self, master: str, slave: str) -> str:
        """The site of slave, for a master at this site. Raises Unauthorised and ParameterError."""
        self.directory.require_caller(master)
        if master == slave:
            raise ParameterError("master and slave SAE are the same")
        site = self.directory.require_site(slave)
        if site == self.directory.site:
            raise ParameterError(f"SAE {slave} lives at this site: its keys need no key distribution")
        self.admission.require(master, (slave,))
        return site

    @property
    def grade(self) -> Grade:
        """What may leave this node at all."""
        return Grade(emulated=self.laboratory)

    def ready_key_count(self, peer: str) -> int:
        """Keys of 256 bits that this site may give to any pair with a slave at peer."""
        return self.store.count_ready(peer, self.directory.site, self.grade)

    def stored_key_count(self, peer: str, master: str, slave: str) -> int:
        """Keys of 256 bits that could be delivered now to master for a slave at peer."""
        ready = self.ready_key_count(peer)
        self.admission.saw(peer, ready)
        return min(ready + self.store.count_leased(master, slave, offered=True), self.limits.max_key_count)

    def take(self, order: Order) -> Take | None:
        """The order as one that leases serve: for one slave, of the size of stored keys, without further wishes.

        None for any other, which takes the way of an assignment. Raises Unauthorised and ParameterError.
        """
        self.confirmed(self.peer_site(order.master, order.slaves[0]))
        if order.slaves[0] in self.directory.foreign:
            return None  # it has the key only once its operator does
        if len(order.slaves) > 1 or order.size_bits != 8 * KEY_OCTETS or order.max_epsilon is not None or order.names:
            return None
        return Take(order.master, order.slaves[0], order.n_keys, order.interface)

    def dry(self, take: Take) -> KeyUnavailable:
        """What a master is told when all that could be leased to it is less than it asks for."""
        site = self.directory.require_site(take.slave)
        if not self.laboratory and self.store.count_ready(site, self.directory.site, ANY_GRADE):
            return EmulatedKeyRefused(site)
        n_keys = self.stored_key_count(site, take.master, take.slave)
        text = f"the pool shared with {site} holds {n_keys} such keys, {take.n_keys} are needed"
        priority = self.admission.priority(take.master, take.slave)
        return KeyUnavailable(text, self.admission.retry_after_s(site, n_keys, take.n_keys, priority))

    def fetch(self, master: str, slave: str, key_ids: bytes, interface: str = "014") -> Fetch:
        """What a slave at this site asks the store for. Raises Unauthorised and KeyUnavailable."""
        self.directory.require_caller(slave)
        self.admission.require(master, (slave,))
        self.confirmed(self.directory.saes.get(master, self.directory.site))
        return Fetch(master, slave, key_ids, interface)

    def require_deliverable(self, keys: Sequence[KeyBatch]) -> None:
        """Raise EmulatedKeyRefused, having wiped the keys, unless all of them may leave this node."""
        if not self.laboratory and any(batch.pedigree.origin is Origin.EMULATED for batch in keys):
            for batch in keys:
                batch.wipe()
            raise EmulatedKeyRefused(self.directory.site)

    def offer_leases(self, master: str, slave: str, n_keys: int) -> tuple[Lease, ...]:
        """Set up to n_keys aside for a pair, until the slave's site has admitted them."""
        site, own = self.directory.require_site(slave), self.directory.site
        leases = self.store.offer_leases(site, own, master, slave, n_keys, self.grade) if n_keys else ()
        self.admission.took(site, sum(lease.n_keys for lease in leases))
        return leases

    def admit_leases(self, owner: str, leases: Sequence[Lease]) -> None:
        """Another site sets keys aside for pairs with a slave at this one. PeerError when that is not its to do."""
        for lease in leases:
            if self.directory.saes.get(lease.master) != owner:
                raise PeerError(f"master {lease.master} does not live at {owner}")
            if self.directory.saes.get(lease.slave) != self.directory.site or lease.slave in self.directory.foreign:
                raise PeerError(f"keys are leased to slave {lease.slave}, which does not live here")
            try:
                self.admission.require(lease.master, (lease.slave,))
            except Unauthorised as error:
                raise PeerError(str(error)) from None
        self.store.admit_leases(owner, leases, self.grade)

    def enc_keys(self, order: Order) -> Delivery:
        """Deliver fresh keys to the master. Raises KeyUnavailable, ParameterError and Unauthorised."""
        peer, slaves = self.peer_site(order.master, order.slaves[0]), self._slaves_by_site(order)
        if order.max_epsilon is not None and not self.directory.foreign.keys().isdisjoint(order.slaves):
            raise EpsilonUnmet("how close to ideal a key comes to another operator's application is not known before")
        asked = order.master, order.slaves, order.n_keys, order.size_bits
        for site in slaves:
            self.confirmed(site)
        self.admission.admit(*asked)
        delivered = False
        try:
            keys = yield from self._deliver(order, peer, slaves)
            delivered = True
        finally:
            if not delivered:
                self.admission.give_back(*asked)
        return keys

    def _deliver(self, order: Order, peer: str, slaves: Mapping[str, tuple[str, ...]]) -> Delivery:
        reserved = self._reserve(order, peer, [site for site in slaves if site not in (peer, self.directory.site)])
        keys, announced = _assign(order, peer, reserved, slaves, self.directory.site)
        key_ids = [key.key_id for key in keys]
        local = announced.pop(self.directory.site, ())
        closed = False
        try:
            for site, assignments in announced.items():
                self.store.record_assignments(site, assignments)
            if local:
                self.store.keep_assignments(self.directory.site, local)
            replies = yield AskPeers(tuple(announced.items()))
            for site, reply in zip(announced, replies, strict=True):
                if not reply.accepted:
                    raise KeyUnavailable(f"site {site} does not hold its assignment: {reply.reason}")
            master = order.master
            handover = Handover("enc_keys", order.interface, master, master, order.slaves, order.size_bits)
            self.store.close_assignments(key_ids, delivered=True, handover=handover)
            closed = True
        finally:
            if not closed:
                self.left_open.append((key_ids, [piece.key_id for stock in reserved.values() for piece in stock]))
                with suppress(StoreError):  # it is tried again, and told with the error that brought us here
                    self.settle()
        return keys

    def settle(self) -> None:
        """Void the keys of deliveries that failed. Call it again while StoreError says that it cannot be done yet.

        Stock that no peer has been told of is ready again; the rest is burnt, and its peer owed a void.
        """
        for _ in range(len(self.left_open)):
            try:
                key_ids, stock = left = self.left_open.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                self.store.close_assignments(key_ids, delivered=False)
                self.store.release(stock)
            except StoreError:
                self.left_open.append(left)
                raise

    def dec_keys(
        self, master: str, slave: str, key_ids: Sequence[UUID], interface: str = "014"
    ) -> tuple[DeliveredKey, ...]:
        """Deliver assigned keys to a slave at this site. Raises Unauthorised, KeyNotFound and KeyUnavailable."""
        fetch = self.fetch(master, slave, b"".join(key_id.bytes for key_id in key_ids), interface)
        (outcome,) = self.store.serve([fetch])
        if isinstance(outcome, HarisError):
            raise outcome
        self.require_deliverable(outcome)
        return tuple(key for batch in outcome for key in batch.each())

    def accept(self, owner: str, assignments: Sequence[Assignment]) -> None:
        """Another site assigns keys to slaves at this one. Raises PeerError when that is not its to do."""
        for assignment in assignments:
            self._check(owner, assignment)
        self.store.accept_assignments(owner, assignments)

    def void(self, owner: str, voids: Sequence[Void]) -> tuple[UUID, ...]:
        """Another site takes its word back. Returns the keys that a slave had fetched before."""
        return self.store.void_assignments(owner, voids)

    def purge(self, site: str, purge: Purge) -> int:
        """Another site has purged a pair: what the pair has here is burnt. PeerError for a pair that is not of both.

        Returns how many keys that burns.
        """
        if {self.directory.saes.get(sae) for sae in (purge.master, purge.slave)} != {site, self.directory.site}:
            raise PeerError(f"{site} purges {purge.master} and {purge.slave}, who do not live there and here")
        return self.store.hear_purge(site, purge)

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
        priority = self.admission.priority(order.master, order.slaves[0])
        pieces, pads = stock_for_key(order.size_bits), stock_for_wrapping(order.size_bits)
        each = None if order.max_epsilon is None else order.max_epsilon / (pieces + pads * len(others))
        reserved: dict[str, tuple[StoredKey, ...]] = {}
        try:
            for site, n_pieces in ((peer, pieces), *((other, pads) for other in others)):
                reserved[site] = self._reserve_at(site, order.n_keys * n_pieces, each, priority)
        except KeyUnavailable:
            self.store.release([piece.key_id for stock in reserved.values() for piece in stock])
            raise
        return reserved

    def _reserve_at(self, site: str, n_keys: int, max_epsilon: float | None, priority: int) -> tuple[StoredKey, ...]:
        own = self.directory.site
        try:
            stock = self.store.reserve(site, own, n_keys, "delivery", Grade(max_epsilon, self.laboratory))
            self.admission.took(site, n_keys)
            return stock
        except KeyUnavailable as error:
            level = self.store.count_ready(site, own, Grade(emulated=self.laboratory))
            if level >= n_keys:
                raise EpsilonUnmet(f"too few keys shared with {site} are so close to ideal") from None
            if self.store.count_ready(site, own, ANY_GRADE) >= n_keys:
                raise EmulatedKeyRefused(site) from None
            raise KeyUnavailable(str(error), self.admission.retry_after_s(site, level, n_keys, priority)) from None

    def _check(self, owner: str, assignment: Assignment) -> None:
        name, sites = assignment.key_id, self.directory.saes
        if sites.get(assignment.master) != owner:
            raise PeerError(f"key {name}: master {assignment.master} does not live at {owner}")
        if any(sites.get(slave) != self.directory.site for slave in assignment.slaves):
            raise PeerError(f"key {name} is assigned to a slave that does not live here")
        try:
            self.admission.require(assignment.master, assignment.slaves)
        except Unauthorised as error:
            raise PeerError(f"key {name}: {error}") from None
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
        key = DeliveredKey(order.names[number] if order.names else key.key_id, key.secret, pedigree)
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
