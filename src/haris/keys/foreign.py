"""Keys that cross between two operators (ETSI GS QKD 020): their states at the gateway, and what it asks of its store.

An arrival is a key that another operator hands over for applications of ours:

    RECEIVED ─carry─▶ CARRYING ─relay─▶ RELAYED ─void─▶ VOIDING ─emptied─▶ VOIDED
        │                 ├───fail───▶ FAILED               └────fetched─▶ KEPT     (failed to void)
        │                 ├───doubt──▶ FAILING ─emptied─▶ FAILED, ─fetched─▶ RELAYED  (after a crash)
        └──void─▶ VOIDED  └───void───▶ VOIDING                ABSENT: voided before it came; it will be refused

A departure is a key of ours on its way to applications of another operator: SENT until every target has it, or it is
given up; what was given up is VOIDING until the other operator has said what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from haris.keys.store import KeyStore
from haris.nouns.assignments import Assignment
from haris.nouns.keys import Pedigree
from haris.wire.etsi020 import AckStatus


@dataclass(frozen=True, slots=True)
class Operator:
    """A neighbour operator, reached at the site of this gateway.

    name: ours for it. kme: the ID in its key manager's certificate. url: https://HOST:PORT of that key manager.
    callback_url: the only URL at which it may want its acknowledgements. synchronous: whether we ask it to acknowledge
    in its answer.
    """

    name: str
    kme: str
    url: str
    callback_url: str
    synchronous: bool = False


class Arrival(StrEnum):
    """Where a key that another operator hands over stands."""

    RECEIVED = "received"
    CARRYING = "carrying"
    RELAYED = "relayed"
    FAILED = "failed"
    FAILING = "failing"
    VOIDING = "voiding"
    VOIDED = "voided"
    KEPT = "kept"
    ABSENT = "absent"


class ArrivalEvent(StrEnum):
    """What happens to an arrival."""

    CARRY = "carry"
    RELAY = "relay"
    FAIL = "fail"
    DOUBT = "doubt"
    VOID = "void"
    EMPTIED = "emptied"
    FETCHED = "fetched"


ARRIVALS: Mapping[tuple[Arrival, ArrivalEvent], Arrival] = {
    (Arrival.RECEIVED, ArrivalEvent.CARRY): Arrival.CARRYING,
    (Arrival.RECEIVED, ArrivalEvent.VOID): Arrival.VOIDED,
    (Arrival.CARRYING, ArrivalEvent.RELAY): Arrival.RELAYED,
    (Arrival.CARRYING, ArrivalEvent.FAIL): Arrival.FAILED,
    (Arrival.CARRYING, ArrivalEvent.DOUBT): Arrival.FAILING,
    (Arrival.CARRYING, ArrivalEvent.VOID): Arrival.VOIDING,
    (Arrival.FAILING, ArrivalEvent.EMPTIED): Arrival.FAILED,
    (Arrival.FAILING, ArrivalEvent.FETCHED): Arrival.RELAYED,
    (Arrival.FAILING, ArrivalEvent.VOID): Arrival.VOIDING,
    (Arrival.RELAYED, ArrivalEvent.VOID): Arrival.VOIDING,
    (Arrival.FAILED, ArrivalEvent.VOID): Arrival.VOIDED,
    (Arrival.VOIDING, ArrivalEvent.EMPTIED): Arrival.VOIDED,
    (Arrival.VOIDING, ArrivalEvent.FETCHED): Arrival.KEPT,
}

ACK_OF: Mapping[Arrival, AckStatus] = {
    Arrival.RELAYED: AckStatus.RELAYED,
    Arrival.FAILED: AckStatus.FAILED,
    Arrival.VOIDED: AckStatus.VOIDED,
    Arrival.KEPT: AckStatus.FAILED_TO_VOID,
    Arrival.ABSENT: AckStatus.KEY_NOT_PRESENT,
}
"""What the other operator is told of an arrival. A state without an entry is not settled yet."""


class Departure(StrEnum):
    """Where a key on its way to another operator stands."""

    SENT = "sent"
    RELAYED = "relayed"
    FAILED = "failed"
    VOIDING = "voiding"
    VOIDED = "voided"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose key it is. operator: the neighbour that it comes from or goes to. targets: sorted."""

    operator: str
    initiator: str
    targets: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", tuple(sorted(self.targets)))


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A key that another operator hands over. passed_on: JSON of what goes on unchanged to a further operator."""

    key_id: UUID
    secret: bytes = field(repr=False)
    parties: Parties
    pedigree: Pedigree
    passed_on: str = ""


@dataclass(frozen=True, slots=True)
class Ack:
    """What an operator is to be told of one key."""

    key_id: UUID
    parties: Parties
    status: AckStatus


@dataclass(frozen=True, slots=True)
class Crossing:
    """A key by its name, and whose it is."""

    key_id: UUID
    parties: Parties


class ArrivalStore(Protocol):
    """Durable arrivals. `owed`: whether the operator wants its acknowledgement by a call of ours."""

    def receive_foreign(self, keys: Sequence[ForeignKey], *, owed: bool) -> None:
        """Keep keys as RECEIVED, all or none. The very same key again changes nothing, but is acknowledged again; one
        that was voided before it came is acknowledged as voided. PeerError when a key_ID has another key here."""

    def foreign_states(self, operator: str, key_ids: Sequence[UUID]) -> dict[UUID, Arrival]:
        """The state of each key that the operator ever named."""

    def is_own_key(self, key_id: UUID) -> bool:
        """Whether a key_ID is one of this network's own, as far as this site knows."""

    def foreign_received(self) -> tuple[Crossing, ...]:
        """Keys that wait to be carried."""

    def begin_carriage(self, operator: str, key_ids: Sequence[UUID]) -> tuple[ForeignKey, ...]:
        """RECEIVED → CARRYING; the keys that did."""

    def keep_foreign(self, owner: str, assignment: Assignment, secret: bytes) -> None:
        """A key for slaves at this very site: ASSIGNED here. PeerError when its key_ID is taken or voided."""

    def settle_carriage(self, operator: str, key_ids: Sequence[UUID], event: ArrivalEvent) -> tuple[UUID, ...]:
        """CARRYING → RELAYED or FAILED, secrets overwritten; the keys that did (the others were voided meanwhile)."""

    def void_foreign(self, parties: Parties, key_ids: Sequence[UUID], *, owed: bool) -> None:
        """Void keys of these parties, whichever of the two operators sent them; one never seen is remembered as ABSENT
        and refused for ever. Another parties' key is told as not present, and left alone."""

    def void_words(self, parties: Parties, key_ids: Sequence[UUID]) -> dict[UUID, AckStatus]:
        """What became of voided keys, as far as that is settled."""

    def foreign_of(self, parties: Parties) -> tuple[UUID, ...]:
        """Keys of these parties that can still be voided."""

    def foreign_recalls(self) -> tuple[Crossing, ...]:
        """Keys to be taken back."""

    def settle_recall(self, operator: str, key_id: UUID, *, fetched: bool) -> None:
        """A key was taken back, or a target had it before."""

    def doubt_carriages(self) -> int:
        """After a start: what a crash left CARRYING is FAILING. Returns how many."""

    def acks_owed(self, operator: str) -> tuple[Ack, ...]:
        """What the operator is to be told."""

    def acks_told(self, acks: Sequence[Ack]) -> None:
        """It was told; a newer word on the same key stays owed."""


class DepartureStore(Protocol):
    """Durable departures."""

    def note_departures(self, parties: Parties, key_ids: Sequence[UUID]) -> tuple[UUID, ...]:
        """SENT, before anything is sent; the keys that were never noted before."""

    def departures(self, operator: str, key_ids: Sequence[UUID]) -> dict[UUID, Departure]:
        """The state of each key that ever departed to the operator."""

    def departure_states(self, key_ids: Sequence[UUID]) -> dict[UUID, tuple[Departure, ...]]:
        """The states of each key that ever departed, one an operator."""

    def slaves_with(self, key_ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
        """Of keys assigned here, the slaves that have fetched them."""

    def take_acks(self, acks: Sequence[Ack]) -> None:
        """The operator tells what became of keys. KeyNotFound, and nothing taken, for a key that is not these
        parties'."""

    def refuse_departures(self, operator: str, key_ids: Sequence[UUID]) -> None:
        """SENT → FAILED: the operator keeps nothing of them."""

    def void_departures(self, key_ids: Sequence[UUID]) -> tuple[tuple[str, UUID], ...]:
        """SENT, RELAYED → VOIDING; returns (operator, key_ID) of what is VOIDING now, whenever it became so."""

    def void_departures_in_doubt(self) -> int:
        """After a start: SENT → VOIDING. Returns how many."""

    def departures_to_void(self, operator: str) -> tuple[Crossing, ...]:
        """Keys that the operator is still to void."""


class ForeignStore(ArrivalStore, DepartureStore, Protocol):
    """What a gateway keeps of keys that cross."""


class GatewayStore(KeyStore, ForeignStore, Protocol):
    """The whole store of a site that is a gateway."""
