"""What key managers say to each other about stored keys, in JSON: assign, void, lease and yield; burn, purge and reset.
The verb stands in the path.

Relay has messages of its own (wire/relay.py). A refusal is a body {"message": text} with a status that is not 200.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec

from haris.nouns.assignments import Assignment, KeyRun, Lease, Purge, Void
from haris.nouns.errors import PeerError

ASSIGN = "assign"
VOID = "void"
LEASE = "lease"
YIELD = "yield"
BURN = "burn"
PURGE = "purge"
RESET = "reset"
MAX_ITEMS = 1024

VERSIONS = (1,)
"""That this release speaks; a new one stands beside the old ones for a release, so that sites are upgraded in turn."""

Message = TypeVar("Message")
Item = TypeVar("Item")


class _Assign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    assignments: Annotated[tuple[Assignment, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class _Void(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    voids: Annotated[tuple[Void, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class _Leases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    leases: Annotated[tuple[Lease, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class _Burn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    runs: Annotated[tuple[KeyRun, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class Reset(msgspec.Struct, frozen=True, omit_defaults=True):
    """name: of this word. begun: spans that the sender has begun anew since, and the octet where their ledgers do."""

    name: Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
    reason: Annotated[str, msgspec.Meta(max_length=256)]
    begun: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}


class _Voided(msgspec.Struct, frozen=True):
    fetched: tuple[UUID, ...] | None = None


def path(verb: str, version: int = 1) -> str:
    """Where a verb is posted."""
    return f"/haris/v{version}/{verb}"


def write_assign(assignments: Sequence[Assignment]) -> bytes:
    """The owner's word on who may have which keys."""
    return msgspec.json.encode(_Assign(tuple(assignments)))


def read_assign(body: bytes) -> tuple[Assignment, ...]:
    """The assignments of a body; PeerError for another form."""
    return _read(body, _Assign).assignments


def write_void(voids: Sequence[Void]) -> bytes:
    """The owner's word on keys that will never be delivered."""
    return msgspec.json.encode(_Void(tuple(voids)))


def read_void(body: bytes) -> tuple[Void, ...]:
    """The voids of a body; PeerError for another form."""
    return _read(body, _Void).voids


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Items by as many as one message holds."""
    for first in range(0, len(items), MAX_ITEMS):
        yield items[first : first + MAX_ITEMS]


def write_leases(leases: Sequence[Lease]) -> bytes:
    """The owner's word on keys that are for one pair alone, or that it calls back; the peer's word that it yields."""
    return msgspec.json.encode(_Leases(tuple(leases)))


def read_leases(body: bytes) -> tuple[Lease, ...]:
    """The leases of a body; PeerError for another form."""
    return _read(body, _Leases).leases


def write_burn(runs: Sequence[KeyRun]) -> bytes:
    """The owner's word on keys that it has given up."""
    return msgspec.json.encode(_Burn(tuple(runs)))


def read_burn(body: bytes) -> tuple[KeyRun, ...]:
    """The runs of a body; PeerError for another form."""
    return _read(body, _Burn).runs


def write_purge(purge: Purge) -> bytes:
    """A site's word that it has burnt what a pair had, and that the other site is to do so."""
    return msgspec.json.encode(purge)


def read_purge(body: bytes) -> Purge:
    """The purge of a body; PeerError for another form."""
    return _read(body, Purge)


def write_reset(name: bytes, reason: str, begun: Mapping[str, int] | None = None) -> bytes:
    """A site's word that all that it shares with the other one is void. name: 16 octets; told again it is the same.

    begun: spans that were begun anew by hand since, and at which octet: pad from there on is not void.
    """
    return msgspec.json.encode(Reset(name, reason[:256], dict(begun or {})))


def read_reset(body: bytes) -> Reset:
    """The word of a body; PeerError for another form."""
    return _read(body, Reset)


def write_voided(fetched: Sequence[UUID]) -> bytes:
    """The answer to a void: which of the keys a slave had fetched before."""
    return msgspec.json.encode(_Voided(tuple(fetched)))


def read_voided(body: bytes) -> tuple[UUID, ...] | None:
    """The keys that a slave had fetched before they were voided; None where the peer does not tell."""
    return _read(body, _Voided).fetched


def _read(body: bytes, kind: type[Message]) -> Message:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PeerError("a key manager sent a message in a wrong form") from None
