"""What key managers say to each other about stored keys, in JSON: assign and void. The verb stands in the path.

Relay has messages of its own (wire/relay.py). A refusal is a body {"message": text} with a status that is not 200.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec

from haris.nouns.assignments import Assignment, Void
from haris.nouns.errors import PeerError

ASSIGN = "assign"
VOID = "void"
MAX_ITEMS = 1024

Message = TypeVar("Message")


class _Assign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    assignments: Annotated[tuple[Assignment, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class _Void(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    voids: Annotated[tuple[Void, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


def path(verb: str) -> str:
    """Where a verb is posted."""
    return f"/haris/v1/{verb}"


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


def _read(body: bytes, kind: type[Message]) -> Message:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PeerError("a key manager sent a message in a wrong form") from None
