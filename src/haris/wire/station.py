"""What two ends tell each other of light that met at a station between them: settings, and what makes no key."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from haris.wire.block_message import Message, Octets16, Octets32

Rows = Annotated[tuple[bytes, ...], Meta(min_length=1, max_length=8)]


class Declared(Message, frozen=True):
    """Either end. announced: SHA-256 of what the station told it, which must be the same at both.

    rows: as the protocol orders them; nothing in them is a bit of the key.
    """

    block: Octets16
    announced: Octets32
    rows: Rows
