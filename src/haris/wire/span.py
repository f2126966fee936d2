"""Messages of a span outside the distillation of a block: meeting again, beginning, confirming.

Each message that decides over keys carries a one-time tag and the place of its pad.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from haris.wire.bootstrap import BootstrapOffer, BootstrapProof, BootstrapReply
from haris.wire.message_pack import MessagePack, Tagged

VERSIONS = (1,)
"""Of a span's messages that this release speaks; who calls names in its greeting the highest that both do."""

Octets16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class Tag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Wegman–Carter tag. offset: place of its 32 pad octets in the sender's ledger."""

    offset: Count
    octets: Octets16


class Hello(Tagged, frozen=True):
    """How a session begins, at both ends at once.

    nonce: the sender's half of the session's name. link: digest of what both must agree on of it.
    heads: the sender's heads of the span's ledgers by name.
    doubts: blocks that the sender holds without knowing whether its peer does. tag: over this message without it.
    """

    version: int
    site: str
    span: str
    nonce: Octets16
    link: Octets16
    heads: dict[str, Count]
    doubts: Annotated[list[Octets16], msgspec.Meta(max_length=1024)]
    next_block: Count
    tag: Tag | None = None


class Settlement(Tagged, frozen=True):
    """What became of the peer's blocks in doubt, in the peer's order: pending, ready, discarded or unknown."""

    session: Octets16
    states: Annotated[list[str], msgspec.Meta(max_length=1024)]
    tag: Tag | None = None


class Begin(Tagged, frozen=True):
    """Alice asks for block `number` of the span."""

    number: Count


class Distil(Tagged, frozen=True):
    """One message of the block's distillation (wire/distillation.py), part of the transcript."""

    number: Count
    body: bytes


class Confirm(Tagged, frozen=True):
    """The sender's tag over the whole transcript of a block. From Alice it also says: I hold my copy durably."""

    number: Count
    tag: Tag


class Held(Tagged, frozen=True):
    """Bob's word that he, too, holds his copy durably."""

    number: Count
    tag: Tag


Message = Hello | Settlement | Begin | Distil | Confirm | Held | BootstrapOffer | BootstrapReply | BootstrapProof

_codec: MessagePack[Message] = MessagePack(Message, "a span")
encode, decode = _codec.encode, _codec.decode
