"""What every message of a block is, and what messages are made of."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=2**42)]
Octets16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Octets32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
CodeName = Annotated[str, Meta(min_length=1, max_length=64)]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=str.lower):
    """Any message of a block."""

    @property
    def disclosed_bits(self) -> int:
        """Bits about the key-basis bits of either party that this message gives away, counted strictly."""
        return 0

    @property
    def disclosed_bits_one_way(self) -> int:
        """The same by the usual count, which holds Bob's questions for harmless."""
        return self.disclosed_bits

    @property
    def ends_block(self) -> bool:
        """Whether nothing follows."""
        return False
