"""The audit log: who got which keys and who was refused, in a chain of hashes that shows every later change.

One entry holds the records of one transaction. Its hash covers the hash before it, so that an entry that is changed,
taken out, put in or moved breaks the chain there. Whoever may write the whole log could make the chain anew from some
entry on, or cut its end off: against that the newest hash of each chain (its head) is kept elsewhere too. A chain
has one writer, since several processes may share a store.

Keys are named by ranges of key_IDs; a record never holds a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import msgspec

from haris.nouns.errors import ParameterError
from haris.nouns.ids import PREFIX_OCTETS, key_runs

HASH_OCTETS = 32


class KeyRange(msgspec.Struct, frozen=True, array_like=True):
    """n keys of one lot. first: the key_ID of the first, 16 octets; the others count up in its last 32 bits."""

    first: bytes
    n: int


class Delivery(msgspec.Struct, frozen=True, array_like=True, tag="delivery"):
    """Keys have left, or leave as soon as this record is durable.

    method: `enc_keys` (to the master), `dec_keys` (to a slave) and what other interfaces call theirs.
    interface: `014`, `004`, `020`, `skip`. sae: who gets them. master, slaves: the SAEs that they are for.
    """

    method: str
    interface: str
    sae: str
    master: str
    slaves: tuple[str, ...]
    size_bits: int
    keys: tuple[KeyRange, ...]

    @property
    def n_keys(self) -> int:
        """How many keys."""
        return sum(part.n for part in self.keys)


class Denial(msgspec.Struct, frozen=True, array_like=True, tag="denial"):
    """Keys were refused.

    caller: as its certificate says; empty when it shows none. peer: the SAE that it named. reason: in a word, such as
    `unauthorised`, `unavailable` or `not_found`. detail: what it was told. times: how often the very same was refused
    since the entry before.
    """

    method: str
    interface: str
    caller: str
    peer: str
    reason: str
    detail: str = ""
    times: int = 1


ActKind = Literal[
    "start",
    "stop",
    "policy",
    "configuration",
    "certificate",
    "acknowledge",
    "purge",
    "expire",
    "revoke",
    "read",
    "commission",
    "backup",
    "restore",
    "recommission",
    "quarantine",
    "release",
]


class Act(msgspec.Struct, frozen=True, array_like=True, tag="act"):
    """Something was done to the node or its keys. who: the operator, or the node itself. subject: what it was done to.

    keys: those that it took out of use.
    """

    kind: ActKind
    who: str
    subject: str
    detail: str = ""
    keys: tuple[KeyRange, ...] = ()


AuditRecord = Delivery | Denial | Act

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[tuple[AuditRecord, ...]] = msgspec.msgpack.Decoder(tuple[AuditRecord, ...])


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a chain: its number (0: none yet) and hash."""

    writer: str
    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of a chain. body: its records, as MessagePack. hash: over the previous hash, number, time and body."""

    writer: str
    number: int
    time_ns: int
    body: bytes
    hash: bytes

    @property
    def head(self) -> Head:
        """The chain's head when this is its newest entry."""
        return Head(self.writer, self.number, self.hash)


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold. number: of the first entry that cannot be trusted."""

    writer: str
    number: int
    reason: str


def origin(writer: str) -> Head:
    """What the first entry of a writer's chain follows."""
    return Head(writer, 0, hashlib.sha256(b"haris audit" + writer.encode()).digest())


def follow(head: Head, time_ns: int, records: Sequence[AuditRecord]) -> Entry:
    """The entry of these records after head."""
    body, number = _encoder.encode(records), head.number + 1
    return Entry(head.writer, number, time_ns, body, entry_hash(head.hash, number, time_ns, body))


def entry_hash(previous: bytes, number: int, time_ns: int, body: bytes) -> bytes:
    """SHA-256 over the previous hash (32 octets), number and time (8 octets each, big-endian), and the body."""
    return hashlib.sha256(previous + number.to_bytes(8) + time_ns.to_bytes(8, signed=True) + body).digest()


def read_records(body: bytes) -> tuple[AuditRecord, ...]:
    """The records of an entry. ParameterError when it is none of ours."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParameterError(f"not the body of an audit entry: {error}") from None


def verify(start: Head, entries: Iterable[Entry]) -> Head | Break:
    """The head of a chain that goes on after start, or the first entry that does not follow from the one before."""
    head = start
    for entry in entries:
        reason = flaw(head, entry)
        if reason:
            return Break(head.writer, head.number + 1, reason)
        head = entry.head
    return head


def flaw(head: Head, entry: Entry) -> str:
    """Why entry does not follow head; empty when it does."""
    if entry.writer != head.writer:
        return f"an entry of {entry.writer!r} stands in the chain of {head.writer!r}"
    if entry.number != head.number + 1:
        return f"entry {entry.number} follows entry {head.number}"
    if not 0 <= entry.number < 1 << 63 or not -(1 << 63) <= entry.time_ns < 1 << 63:
        return "number or time is out of range"
    if entry.hash != entry_hash(head.hash, entry.number, entry.time_ns, entry.body):
        return "its hash does not fit its content and the entry before"
    try:
        read_records(entry.body)
    except ParameterError as error:
        return str(error)
    return ""


def key_ranges(key_ids: bytes) -> tuple[KeyRange, ...]:
    """Key_IDs (16 octets each, joined) as ranges, in their order. Raises ParameterError for a part of one."""
    return tuple(KeyRange(first, n_keys) for first, n_keys in key_runs(key_ids))


def key_ids_of(ranges: Iterable[KeyRange]) -> tuple[UUID, ...]:
    """Every key_ID of some ranges."""
    return tuple(
        UUID(bytes=part.first[:PREFIX_OCTETS] + (int.from_bytes(part.first[PREFIX_OCTETS:]) + more).to_bytes(4))
        for part in ranges
        for more in range(part.n)
    )


def record_items(record: AuditRecord) -> dict[str, Any]:
    """A record as plain items for JSON: `record` names its kind, keys are [first key_ID, n]."""
    items: dict[str, Any] = {"record": type(record).__name__.lower()}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if name == "keys":
            value = [[str(UUID(bytes=part.first)), part.n] for part in value]
        items[name] = list(value) if isinstance(value, tuple) else value
    return items
