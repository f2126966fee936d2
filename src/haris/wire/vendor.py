"""The messages by which two sites pair the keys of a maker's boxes, within span.Distil. Alice speaks first.

Alice                             Bob
Offer                          ▶  asks his box for the same keys
                               ◀  Answer
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from haris.wire.message_pack import MessagePack, Tagged
from haris.wire.span import Tag

MAX_KEYS = 1024
"""Keys of one block."""

Name = Annotated[str, Meta(min_length=1, max_length=128)]
Verdict = Literal["same", "differ", "absent"]


class Offer(Tagged, frozen=True):
    """Alice: the keys that her box gave, by their names, and how both ends cut them.

    tag: over the keys themselves (keys/vendor.py, compared), under fresh pad, so that it tells nothing about them.
    """

    names: Annotated[list[Name], Meta(min_length=1, max_length=MAX_KEYS)]
    allotment: Annotated[bytes, Meta(min_length=20, max_length=20)]
    tag: Tag


class Answer(Tagged, frozen=True):
    """Bob: whether his box gave the same keys, others under these names, or none that can be used (detail: why)."""

    verdict: Verdict
    detail: Annotated[str, Meta(max_length=512)] = ""


Message = Offer | Answer

_codec: MessagePack[Message] = MessagePack(Message, "a vendor's block")
encode, decode = _codec.encode, _codec.decode
