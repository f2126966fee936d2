"""The transcript of a block: what crossed the classical channel, and so what leaked and what is authenticated."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from haris.wire.distillation import Message


class Sender(IntEnum):
    """Who sent a message."""

    ALICE = 0
    BOB = 1


@dataclass(slots=True)
class Transcript:
    """The messages of one block in order, kept by the driver at each end.

    block: the block's 16-octet name. leaked_bits: about the key basis, in both directions, counted here only.
    leaked_bits_one_way: by the usual count of Cascade, for comparison; no key length rests on it.
    """

    block: bytes
    leaked_bits: int = 0
    leaked_bits_one_way: int = 0
    messages: list[tuple[Sender, bytes]] = field(default_factory=list, repr=False)

    def append(self, sender: Sender, octets: bytes, message: Message) -> None:
        """Add a message: its octets as they crossed the channel, and what they mean."""
        self.messages.append((sender, octets))
        self.leaked_bits += message.disclosed_bits
        self.leaked_bits_one_way += message.disclosed_bits_one_way

    def n_messages(self, sender: Sender) -> int:
        """Messages that sender has sent."""
        return sum(1 for by, _ in self.messages if by is sender)

    @property
    def octets(self) -> bytes:
        """What a tag must cover: the block's name, then each message behind its sender and its length."""
        parts = [b"haris distillation 1", self.block]
        for sender, octets in self.messages:
            parts += [bytes([sender]), len(octets).to_bytes(8, "big"), octets]
        return b"".join(parts)
