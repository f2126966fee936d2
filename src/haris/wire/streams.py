"""What key managers say to each other about key streams, in JSON: one verb, asked of the site that owns a stream."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec

from haris.nouns.errors import PeerError
from haris.wire.etsi004 import QoS, Status

VERB = "stream"

_Octets = Annotated[int, msgspec.Meta(ge=1, le=1 << 24)]
_Index = Annotated[int, msgspec.Meta(ge=0, lt=0xFFFFFFFF)]


class OpenEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="open"):
    """sae opens its end of a stream between source and destination. key_stream_id: None for a fresh one."""

    sae: str
    source: str
    destination: str
    qos: QoS
    key_stream_id: UUID | None


class LookAtStream(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="look"):
    """sae wants to know whether its peer is connected."""

    sae: str
    key_stream_id: UUID


class DrawChunk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="draw"):
    """sae wants the chunk at index; None: the first that it has not asked for."""

    sae: str
    key_stream_id: UUID
    index: _Index | None


class CloseEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="close"):
    """sae closes its end."""

    sae: str
    key_stream_id: UUID


Ask = OpenEnd | LookAtStream | DrawChunk | CloseEnd


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the owner answers. status: of the call.

    final: whether asking again can only give the same. key_stream_id, chunk_octets: of the stream. qos: a
    counter-proposal.
    connected: whether the peer application is. index, age_ms, master: of the chunk; key_ids: of the keys that make it,
    assigned by master. A closed end gets the key_ids of the chunks that it has not asked for.
    """

    status: Status
    final: bool = True
    key_stream_id: UUID | None = None
    qos: QoS | None = None
    chunk_octets: _Octets | None = None
    connected: bool = False
    index: int = 0
    age_ms: int = 0
    master: str = ""
    key_ids: tuple[UUID, ...] = ()


def write_ask(ask: Ask) -> bytes:
    """The body of a question."""
    return msgspec.json.encode(ask)


def read_ask(body: bytes) -> Ask:
    """The question in a body; PeerError for another form."""
    try:
        ask: Ask = msgspec.json.decode(body, type=Ask)
        return ask
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise PeerError("a key manager asked about a stream in a wrong form") from None


def write_reply(reply: Reply) -> bytes:
    """The body of an answer."""
    return msgspec.json.encode(reply)


def read_reply(body: bytes) -> Reply:
    """The answer in a body; PeerError for another form."""
    try:
        return msgspec.json.decode(body, type=Reply)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise PeerError("a key manager answered about a stream in a wrong form") from None
