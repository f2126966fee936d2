"""What the key management layer asks of a durable store: verbs of its own domain, each one transaction.

Every verb is durable when it returns and changes state by compare-and-swap, so that of two callers one wins.
A store belongs to one site. The shell implements it (node/store/store.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from haris.keys.quarantine import Standing
from haris.nouns.assignments import Assignment, Handover, KeyRun, Lease, OwedWord, Purge, Void
from haris.nouns.errors import KeyUnavailable, ParameterError, Unauthorised
from haris.nouns.ids import KEY_ID_OCTETS
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import Pedigree, StoredKey


@dataclass(frozen=True, slots=True)
class PadAppend:
    """Octets to append to a ledger when their block becomes ready."""

    ledger: str
    octets: bytes = field(repr=False)
    pedigree: Pedigree


@dataclass(frozen=True, slots=True)
class PadSlice:
    """Octets of a pad that will never serve again. offset: position in the pad's whole life."""

    ledger: str
    offset: int
    octets: bytes = field(repr=False)
    pedigree: Pedigree


@dataclass(frozen=True, slots=True)
class BlockShares:
    """What one block becomes at one site. span: name of the link's span. number: place within the span."""

    block: bytes
    span: str
    number: int
    keys: tuple[StoredKey, ...] = field(repr=False)
    pads: tuple[PadAppend, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grade:
    """How good stock must be. max_epsilon: of each stored key, None for any (an unknown epsilon meets no maximum)."""

    max_epsilon: float | None = None
    emulated: bool = True


ANY_GRADE = Grade()


@dataclass(frozen=True, slots=True)
class HeldShare:
    """One share of a relay at its far end (keys/shares.py). share, shares: its number from 0, and how many there are.

    path: as it travelled. octets: of the share. pedigree: with every span of the path.
    """

    relay: UUID
    share: int
    shares: int
    path: tuple[str, ...]
    octets: bytes = field(repr=False)
    pedigree: Pedigree


@dataclass(frozen=True, slots=True)
class Carried:
    """A message of a relay that a site between holds for a neighbour that is out of reach.

    ledger, offset: of the pad under which it is sealed, which that neighbour alone has besides us, and which is burnt
    here: what is held is ciphertext. until_ns: nanoseconds since 1970 until which it is held. message: as octets.
    """

    ledger: str
    offset: int
    relay: UUID
    share: int
    until_ns: int
    message: bytes


@dataclass(frozen=True, slots=True)
class Take:
    """A master takes keys of 256 bits that are leased to it and slave. interface: which face it came by."""

    master: str
    slave: str
    n_keys: int
    interface: str = "014"

    def __post_init__(self) -> None:
        if self.n_keys < 1:  # it would fail everybody who is served beside it
            raise ParameterError(f"a request asks for 1 key at least, got {self.n_keys}")


@dataclass(frozen=True, slots=True)
class Fetch:
    """A slave fetches keys that master took. key_ids: 16 octets each, joined, none twice."""

    master: str
    slave: str
    key_ids: bytes
    interface: str = "014"

    def __post_init__(self) -> None:
        if not self.key_ids or len(self.key_ids) % KEY_ID_OCTETS:
            raise ParameterError(f"{len(self.key_ids)} octets are no key_IDs")


Outcome = tuple[KeyBatch, ...] | KeyUnavailable | Unauthorised
"""What one of many requests gets."""


class BlockStore(Protocol):
    """Blocks in commit: PENDING until the other end's durable copy is known, then READY; or DISCARDED for ever."""

    def hold_block(self, shares: BlockShares) -> None:
        """Keep this site's copy as PENDING. A block named before raises StoreError."""

    def ready_block(self, block: bytes) -> bool:
        """PENDING → READY: keys enter the pools, pads their ledgers. False when it was not PENDING."""

    def discard_block(self, block: bytes) -> bool:
        """PENDING → DISCARDED, secrets overwritten; a block never held is remembered as DISCARDED, so that holding it
        later raises StoreError. False when it was READY."""

    def block_state(self, block: bytes) -> str | None:
        """`pending`, `ready`, `discarded`, or None when it was never held here."""

    def blocks_in_doubt(self, span: str) -> tuple[bytes, ...]:
        """PENDING blocks of a span, oldest first."""

    def last_block_number(self, span: str) -> int:
        """Highest block number ever held for a span, -1 when none."""


class LedgerStore(Protocol):
    """Pads whose head only moves forward, and moves before an octet is used."""

    def ledger_append(self, pads: Sequence[PadAppend]) -> None:
        """Append octets outside a block (the commissioning secret)."""

    def ledger_take(self, ledger: str, n_octets: int) -> PadSlice:
        """Advance the head by n_octets and return them. KeyUnavailable when fewer are left."""

    def ledger_take_at(self, ledger: str, offset: int, n_octets: int) -> PadSlice:
        """Burn up to offset, then take. PeerError when offset lies behind the head, or the slice beyond the end."""

    def ledger_peek(self, ledger: str, offset: int, n_octets: int) -> bytes:
        """Octets at or ahead of the head, to try a received tag with: nothing is burnt, so that a forgery costs no pad.

        PeerError when offset lies behind the head, or the slice beyond the end.
        """

    def ledger_burn_to(self, ledger: str, offset: int) -> None:
        """Advance the head to offset if it is behind; never back. PeerError when offset lies beyond the end."""

    def ledger_bounds(self, ledger: str) -> tuple[int, int]:
        """(head, end) in octets of the pad's whole life; (0, 0) for a ledger never appended to."""


class StockStore(Protocol):
    """Stored keys: READY → RESERVED → SPENT at the owner, READY → SPENT at the other site (see lifecycle)."""

    def put_keys(self, keys: Sequence[StoredKey], relay: UUID) -> bool:
        """Keep the keys of one relay as READY. False (and nothing kept) for a relay already known or voided."""

    def hold_keys(self, keys: Sequence[StoredKey], relay: UUID) -> None:
        """Keep the keys of one outgoing relay as PENDING (the owner's copy, before they are sent)."""

    def settle_keys(self, relay: UUID, arrived: Pedigree | None) -> None:
        """The owner learns the fate of a relay: PENDING → READY with the pedigree of the whole path, which the far end
        tells; None: they did not arrive, PENDING → SPENT and overwritten. Settled before: no change."""

    def void_relay(self, relay: UUID) -> Pedigree | None:
        """At the far end: the pedigree of the relay's keys when they were ever kept here; else remembers never to
        accept it (None)."""

    def relays_in_doubt(self, peer: str) -> tuple[UUID, ...]:
        """Outgoing relays towards peer whose fate is unknown."""

    def count_ready(self, peer: str, owner: str, grade: Grade = ANY_GRADE) -> int:
        """Keys of that grade READY for assignment by owner, shared with peer."""

    def count_pending(self, peer: str) -> int:
        """Keys of this site's own PENDING towards peer: their relays are in doubt."""

    def reserve(
        self, peer: str, owner: str, n_keys: int, purpose: str, grade: Grade = ANY_GRADE
    ) -> tuple[StoredKey, ...]:
        """READY → RESERVED for n_keys keys, oldest first, all or none. KeyUnavailable when there are fewer.

        What is reserved and neither announced nor released when the process ends is burnt at the next start.
        """

    def release(self, key_ids: Sequence[UUID]) -> None:
        """RESERVED → READY for stock of which nobody was told: another pool that the request needs is dry."""


class ShareStore(Protocol):
    """What a relay needs beside its keys until it is settled: shares at its far end, the question at its owner."""

    def keep_share(self, share: HeldShare) -> bool:
        """Keep a share until its relay is forgotten. False, and nothing kept, when one of that number is here, or the
        relay's fate is settled.

        Of one owner the newest MAX_ON_THEIR_WAY relays are kept: of an older one the shares are overwritten, as if they
        had not come.
        """

    def shares_of(self, relay: UUID) -> tuple[HeldShare, ...]:
        """The shares of a relay that are here, by their numbers."""

    def settled_here(self, relays: Sequence[UUID]) -> tuple[UUID, ...]:
        """At the far end: those of them whose fate is settled, kept or voided."""

    def note_ask(self, relay: UUID, ask: bytes, until_ns: int | None = None) -> None:
        """At the owner, before a share leaves: the question that it will ask of the far end, and until when the relay
        may be on its way (nanoseconds since 1970; None: it is there at once, or never)."""

    def may_arrive(self, peer: str, now_ns: int) -> tuple[UUID, ...]:
        """At the owner: relays towards peer in doubt that may still be on their way, oldest first."""

    def asked(self, relay: UUID) -> bytes | None:
        """The question that was noted, None when the relay never left."""

    def forget_relay(self, relay: UUID) -> None:
        """Overwrite its shares and its question."""


class CarryStore(Protocol):
    """Messages of relays that wait at a site between for their next site, in the order of their pad."""

    def carry(self, message: Carried) -> None:
        """Hold a message."""

    def carried(self, ledger: str) -> Carried | None:
        """The next message to send under a ledger: that of the lowest offset."""

    def count_carried(self, ledger: str) -> int:
        """Messages that wait under a ledger."""

    def carry_no_more(self, ledger: str, offset: int) -> None:
        """Drop a message: it was delivered, or refused for good."""

    def drop_carried(self, until_before_ns: int) -> int:
        """Drop messages whose time is over; returns how many."""

    def head_to_tell(self, ledger: str) -> int:
        """How far the other end may burn a ledger in which this site sends: its head, or the lowest offset under which
        a message waits here."""


class AssignmentStore(Protocol):
    """Who may have which key: announced by the owner, ASSIGNED → SPENT at the site that holds the assignment."""

    def record_assignments(self, peer: str, assignments: Sequence[Assignment]) -> None:
        """The owner's durable note of assignments that it is about to announce to peer."""

    def keep_assignments(self, owner: str, assignments: Sequence[Assignment]) -> None:
        """Slaves at the owner's own site: the key, of stock RESERVED here, becomes ASSIGNED here too."""

    def close_assignments(self, key_ids: Sequence[UUID], *, delivered: bool, handover: Handover | None = None) -> None:
        """The owner's reserved stock of these assignments → SPENT and overwritten. handover: what goes on record.

        Not delivered: what is kept here for own slaves is voided, and each peer is owed a void (voids_owed).
        """

    def assignments_in_doubt(self) -> tuple[tuple[str, UUID], ...]:
        """(peer, key_id) announced but neither delivered nor closed: after a crash they are closed undelivered."""

    def voids_owed(self, peer: str) -> tuple[Void, ...]:
        """What peer is still to be told to void."""

    def void_told(self, peer: str, key_ids: Sequence[UUID]) -> None:
        """Peer has voided them."""

    def accept_assignments(self, owner: str, assignments: Sequence[Assignment]) -> None:
        """At the other site: stock READY → SPENT, the keys made of it ASSIGNED, all or none.

        PeerError for stock unknown, spent, or not owner's; accepting the very same assignment again is no error.
        """

    def void_assignments(self, owner: str, voids: Sequence[Void]) -> tuple[UUID, ...]:
        """At the other site: stock and keys not yet fetched → SPENT; unknown keys are remembered as void.

        Returns the keys that a slave had fetched before: those it has.
        """


class LeaseStore(Protocol):
    """Lots that one pair of applications has for itself (see lifecycle), and the serving of many requests at once."""

    def offer_leases(
        self, peer: str, owner: str, master: str, slave: str, n_keys: int, grade: Grade
    ) -> tuple[Lease, ...]:
        """READY → OFFERED, oldest first, up to n_keys: what peer is to be asked to admit; empty when none are left."""

    def leases_in_doubt(self, peer: str) -> tuple[Lease, ...]:
        """OFFERED: whether peer has admitted them is unknown. They are offered again as they were."""

    def settle_leases(self, peer: str, leases: Sequence[Lease], *, admitted: bool) -> None:
        """OFFERED → LEASED; refused: → SPENT, and peer is owed a void of each key."""

    def admit_leases(self, owner: str, leases: Sequence[Lease], grade: Grade) -> None:
        """At the other site: READY → LEASED, all or none; again is no error. What the owner has used is burnt here.

        PeerError for keys that are not here, not owner's, not of the grade, used here, or leased to another pair.
        KeyUnavailable for keys of a block in doubt.
        """

    def count_leased(self, master: str, slave: str, *, offered: bool = False) -> int:
        """Keys that this site, their owner, may deliver to master at once; with those that are offered for it."""

    def recall_leases(self, peer: str, unused_since_ns: int) -> tuple[Lease, ...]:
        """LEASED → RECALLED for lots that nobody has drawn from since; returns all that peer is to yield."""

    def recalls_in_doubt(self, peer: str) -> tuple[Lease, ...]:
        """RECALLED: whether peer has yielded them is unknown. They are called back again."""

    def yield_leases(self, owner: str, leases: Sequence[Lease]) -> tuple[Lease, ...]:
        """At the other site: LEASED → READY; again is no error. Returns them with what is gone here."""

    def return_leases(self, peer: str, yielded: Sequence[Lease]) -> None:
        """RECALLED → READY, but for the keys that are gone at the other site: they are burnt."""

    def serve(self, requests: Sequence[Take | Fetch]) -> list[Outcome]:
        """Serve many in one transaction: each gets its keys, once and all or none, or its own error.

        A Take spends from the leases of its pair (KeyUnavailable when they hold fewer). A Fetch spends leased and
        assigned keys: KeyNotFound for an unknown, spent or voided key; Unauthorised for a slave or master that it is
        not for. StoreError means that nobody was served.
        """


class OwedStore(Protocol):
    """Words that other sites are owed: told until they are acknowledged."""

    def words_owed(self, peer: str, at_most: int = 64) -> tuple[OwedWord, ...]:
        """What peer is to be told, oldest first."""

    def word_told(self, peer: str, word: OwedWord) -> None:
        """Peer has acknowledged this very word."""


class BurnStore(OwedStore, Protocol):
    """The end of keys that nobody took. Every burn of the owner's is owed to the other site."""

    def expire_stock(self, peer: str, owner: str, born_before_ns: int) -> int:
        """The owner gives up stock that is older. Returns how many lots; 0: no more are so old."""

    def forget_unfetched(self, peer: str, owner: str, drawn_before_ns: int) -> int:
        """The owner forgets what it delivered so long ago, and what no slave has fetched of it is burnt at the other
        site. Returns how many lots; 0: no more are so old."""

    def forget_assigned(self, since_before_ns: int) -> int:
        """Assignments that are older are burnt and forgotten. Returns how many; 0: no more are so old."""

    def burn_runs(self, owner: str, runs: Sequence[KeyRun]) -> int:
        """At the other site: what is left of these keys of owner is burnt; again is no error. Returns how many."""

    def purge_pair(self, master: str, slave: str, peer: str, who: str) -> int:
        """Burn what is leased or assigned to a pair here; peer is owed the same word. Returns how many keys.

        Until peer has heard, KeyUnavailable for whoever would offer the pair keys here, or admit them.
        """

    def hear_purge(self, peer: str, purge: Purge) -> int:
        """At the other site: the same, once for each number: what was made after the order is not burnt."""


@dataclass(frozen=True, slots=True)
class Commission:
    """How a span was commissioned. ends: where the first pad ends in each of its ledgers."""

    means: str
    ends: dict[str, int]


class CommissionStore(Protocol):
    """How spans came to their first pad."""

    def commission_span(
        self, span: str, means: str, pads: Sequence[PadAppend], starts: Mapping[str, int] | None = None
    ) -> None:
        """Begin ledgers anew with their first pads: what a ledger held before is burnt and overwritten.

        starts: the octet of a ledger's whole life at which its pad begins, so that no octet has a used one's place; 0
        where it is left out. ParameterError when a ledger has gone beyond that already: nothing is changed.
        """

    def recommission_span(self, span: str, means: str, pads: Sequence[PadAppend], start: int) -> None:
        """Begin all ledgers of a span anew at octet `start` of their lives; its blocks in doubt are discarded.

        ParameterError when a ledger has gone beyond that already: nothing is changed.
        """

    def commission_of(self, span: str) -> Commission | None:
        """How a span was commissioned; None: never, or before this was recorded."""


class QuotaStore(Protocol):
    """What is drawn of daily quotas, for every process of a site together."""

    def draw_quota(self, account: str, day: int, keys_per_day: int, at_least: int, wanted: int) -> int:
        """Draw up to `wanted` keys of the day's, or none when fewer than at_least are left; returns how many.

        Durable on return. day: days since 1970.
        """

    def return_quota(self, account: str, day: int, n_keys: int) -> None:
        """What was drawn and not used may be drawn again."""


class SourceStore(Protocol):
    """Key sources of other makers: how each stands, and the names of the keys that it has given."""

    def source_standing(self, source: str) -> Standing:
        """How a source stands; sound when nothing was ever kept of it."""

    def keep_standing(self, source: str, standing: Standing) -> None:
        """Remember how a source stands."""

    def known_names(self, source: str, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the names that the source has given before."""

    def note_names(self, source: str, names: Sequence[str]) -> tuple[str, ...]:
        """Remember names for good, all or none; returns those that were known before, when none is noted."""


class KeyStore(
    BlockStore,
    LedgerStore,
    StockStore,
    ShareStore,
    CarryStore,
    AssignmentStore,
    LeaseStore,
    BurnStore,
    CommissionStore,
    Protocol,
):
    """The whole store of one site."""
