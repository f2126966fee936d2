"""A block of light with its key, whatever the light came over: a pass, or a window between satellites."""

from __future__ import annotations

from haris.nouns.block_counts import BlockCounts
from haris.quantum.security.key_length import KeyLength


class BlockKey:
    """What counts and key of one block tell."""

    __slots__ = ()
    counts: BlockCounts
    key: KeyLength

    @property
    def sifted_bits(self) -> float:
        """What is kept of equal bases, of both bases and all intensities; of three states, of the key basis."""
        return float(self.counts.sifted_bits)

    @property
    def qber(self) -> float:
        """Error rate of the key basis over the whole block."""
        return float(self.counts.key_qber)

    @property
    def secret_bits(self) -> int:
        """Length of the key."""
        return int(self.key.length_bits)
