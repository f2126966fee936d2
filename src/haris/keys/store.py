"""What the key management layer asks of a durable store: verbs of its own domain, each one transaction.

Every verb is durable when it returns and changes state by compare-and-swap, so that of two callers one wins.
A store belongs to one site. The shell implements it (node/store.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from haris.nouns.assignments import Assignment, Void
from haris.nouns.keys import DeliveredKey, Pedigree, StoredKey


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

    def reserve(
        self, peer: str, owner: str, n_keys: int, purpose: str, grade: Grade = ANY_GRADE
    ) -> tuple[StoredKey, ...]:
        """READY → RESERVED for n_keys keys, oldest first, all or none. KeyUnavailable when there are fewer.

        What is reserved and neither announced nor released when the process ends is burnt at the next start.
        """

    def release(self, key_ids: Sequence[UUID]) -> None:
        """RESERVED → READY for stock of which nobody was told: another pool that the request needs is dry."""


class AssignmentStore(Protocol):
    """Who may have which key: announced by the owner, ASSIGNED → SPENT at the site that holds the assignment."""

    def record_assignments(self, peer: str, assignments: Sequence[Assignment]) -> None:
        """The owner's durable note of assignments that it is about to announce to peer."""

    def keep_assignments(self, owner: str, assignments: Sequence[Assignment]) -> None:
        """Slaves at the owner's own site: the key, of stock RESERVED here, becomes ASSIGNED here too."""

    def close_assignments(self, key_ids: Sequence[UUID], *, delivered: bool) -> None:
        """The owner's reserved stock of these assignments → SPENT and overwritten.

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

    def void_assignments(self, owner: str, voids: Sequence[Void]) -> None:
        """At the other site: stock and keys not yet fetched → SPENT; unknown keys are remembered as void."""

    def fetch_assigned(self, master: str, slave: str, key_ids: Sequence[UUID]) -> tuple[DeliveredKey, ...]:
        """Deliver to one slave, once, all or none; overwritten when the last of its slaves has fetched.

        KeyNotFound for an unknown, spent or voided key; Unauthorised for a slave or master not named in it.
        """


class KeyStore(BlockStore, LedgerStore, StockStore, AssignmentStore, Protocol):
    """The whole store of one site."""
