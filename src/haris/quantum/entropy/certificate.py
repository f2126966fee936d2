"""What a source's blocks come to: certified bits, their rate, and epsilons that add up over a year."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.source import EntropySource

YEAR_S = 365.25 * 86400.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """One block and what follows at the source's clock.

    raw_bits: that are hashed. allowed_bits: the longest output with the epsilon of the hash. out_bits: what is taken;
    0 where more is asked for than is allowed. epsilon: distance of a block's output from uniform and unknown.
    blocks_hz, certified_bits_hz: at the source's clock, the latter net of the random bits that the source used up.
    """

    randomness: Randomness
    raw_bits: int
    allowed_bits: int
    out_bits: int
    epsilon: float
    blocks_hz: float
    certified_bits_hz: float

    @property
    def epsilon_year(self) -> float:
        """Sum over the blocks of a year at that clock, at most 1."""
        return min(1.0, self.epsilon * self.blocks_hz * YEAR_S)


def hashed_bits(randomness: Randomness, epsilon: float) -> int:
    """Longest output of a universal hash that is within epsilon of uniform, given the block's smooth min-entropy.

    Source: the leftover hash lemma: half of 2^((out - min_entropy) / 2). Tomamichel, Schaffner, Smith, Renner, IEEE
    Trans. Inf. Theory 57, 5524 (2011), where the adversary's knowledge is quantum.
    """
    return max(0, math.floor(randomness.min_entropy_bits + 2.0 + 2.0 * math.log2(epsilon)))


def certificate(entropy: EntropySource, checks: Any = None) -> Certificate:
    """What one block gives; checks as in Source. Half of the block's epsilon is the bound's, half the hash's."""
    randomness = entropy.randomness(checks)
    epsilon = entropy.extraction.epsilon / 2.0
    allowed = min(hashed_bits(randomness, epsilon), entropy.extraction.block_bits)
    wanted = entropy.extraction.out_bits
    out = allowed if wanted is None else wanted if wanted <= allowed else 0
    blocks_hz = entropy.parameters.clock_hz / entropy.block_samples
    return Certificate(
        randomness=randomness,
        raw_bits=entropy.block_samples * entropy.parameters.bits,
        allowed_bits=allowed,
        out_bits=out,
        epsilon=randomness.epsilon + epsilon,
        blocks_hz=blocks_hz,
        certified_bits_hz=blocks_hz * max(0.0, out - randomness.spent_bits),
    )
