"""The transcript of a block: what crossed the classical channel, and so what leaked and what is authenticated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from haris.wire.block_message import Message

_PREFIX = b"haris distillation 2"


_BOTH = 2
"""In the place of a sender."""


class Sender(IntEnum):
    """Who sent a message."""

    ALICE = 0
    BOB = 1


@dataclass(slots=True)
class Transcript:
    """The messages of one block in order, kept by the driver at each end.

    block: the block's 16-octet name. hear: told every octet of `octets` as it comes; with it, nothing is kept but the
    counts, so that the tags of a long block cost no copy of it. leaked_bits: about the key basis, in both directions,
    counted here only. leaked_bits_one_way: by the usual count of Cascade, for comparison; no key length rests on it.
    """

    block: bytes
    hear: Callable[[bytes], None] | None = field(default=None, repr=False)
    leaked_bits: int = 0
    leaked_bits_one_way: int = 0
    messages: list[tuple[Sender, bytes]] = field(default_factory=list, repr=False)
    _covered: list[bytes] = field(default_factory=list, repr=False)
    _said: list[int] = field(default_factory=lambda: [0, 0], repr=False)

    def __post_init__(self) -> None:
        if self.hear is not None:
            self.hear(_PREFIX + self.block)

    def append(self, sender: Sender, octets: bytes, message: Message) -> None:
        """Add a message: its octets as they crossed the channel, and what they mean."""
        if self.hear is None:
            self.messages.append((sender, octets))
        else:
            self.hear(_headed(sender, octets))
            self.hear(octets)
        self._said[sender] += 1
        self.leaked_bits += message.disclosed_bits
        self.leaked_bits_one_way += message.disclosed_bits_one_way

    def cover(self, octets: bytes) -> None:
        """Add what both ends must hold alike, though no message told all of it. Before the first message."""
        assert self._said == [0, 0], "before the first message, so that both ends have it at the same place"
        if self.hear is None:
            self._covered.append(octets)
        else:
            self.hear(_headed(_BOTH, octets))
            self.hear(octets)

    def n_messages(self, sender: Sender) -> int:
        """Messages that sender has sent."""
        return self._said[sender]

    @property
    def octets(self) -> bytes:
        """What a tag must cover: the block's name, then each message behind its sender and its length."""
        assert self.hear is None, "these octets were not kept"
        parts = [_PREFIX, self.block]
        for octets in self._covered:
            parts += [_headed(_BOTH, octets), octets]
        for sender, octets in self.messages:
            parts += [_headed(sender, octets), octets]
        return b"".join(parts)


def _headed(by: int, octets: bytes) -> bytes:
    return bytes([by]) + len(octets).to_bytes(8, "big")
