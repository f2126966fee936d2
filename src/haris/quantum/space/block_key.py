"""A block of light with its key, whatever the light came over: a pass, or a window between satellites."""

from __future__ import annotations

from haris.nouns.block_counts import BlockCounts
from haris.quantum.security.key_length import KeyLength

MOST_QBER = 0.11
"""Above it BB84 has no key. Source: Shor, Preskill, PRL 85, 441 (2000)."""


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


def why_none(counts: BlockCounts, bright: str = "") -> str:
    """Why a block gives no key, in words. bright: what shines where there is more noise than light."""
    qber, sifted = float(counts.key_qber), float(counts.sifted_bits)
    if sifted < 1.0:
        return "no light comes through"
    if qber > MOST_QBER:
        return f"{bright}, QBER {qber:.1%}" if bright else f"QBER {qber:.1%}: more noise than light"
    return f"{sifted:.0f} sifted bits at QBER {qber:.1%} are too few for these epsilons, or too noisy for this bound"
