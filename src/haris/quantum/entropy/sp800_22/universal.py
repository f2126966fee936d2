"""Maurer's universal statistical test: how far it is back to an equal block. SP 800-22, 2.9."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.sp800_22.windows import windows

CHOICES = (
    (387_840, 5.2177052, 2.954),
    (904_960, 6.1962507, 3.125),
    (2_068_480, 7.1836656, 3.238),
    (4_654_080, 8.1764248, 3.311),
    (10_342_400, 9.1723243, 3.356),
    (22_753_280, 10.170032, 3.384),
    (49_643_520, 11.168765, 3.401),
    (107_560_960, 12.168070, 3.410),
    (231_669_760, 13.167693, 3.416),
)
"""Least bits of a sequence for blocks of 6, 7, ... bits, with mean and variance of the statistic: 2.9.4, 2.9.7."""
LEAST_BLOCK_BITS = 6


def universal(bits: NDArray[np.uint8]) -> float:
    """P-value. bits: 0 or 1, shape (n,), n at least 387840."""
    choice = sum(len(bits) >= least for least, _, _ in CHOICES) - 1
    _, mean, variance = CHOICES[choice]
    block_bits = LEAST_BLOCK_BITS + choice
    n_first = 10 << block_bits
    n_tested = len(bits) // block_bits - n_first
    factor = 0.7 - 0.8 / block_bits + (4 + 32 / block_bits) * n_tested ** (-3 / block_bits) / 15
    sigma = factor * math.sqrt(variance / n_tested)
    return math.erfc(abs(universal_statistic(bits, block_bits, n_first) - mean) / (math.sqrt(2) * sigma))


def universal_statistic(bits: NDArray[np.uint8], block_bits: int, n_first: int) -> float:
    """Mean of the binary logarithm of the distance to the last equal block, in blocks, after the first n_first."""
    n_blocks = len(bits) // block_bits
    values = windows(bits[: n_blocks * block_bits].reshape(n_blocks, block_bits), block_bits)[:, 0]
    place = np.argsort(values, kind="stable") + 1
    before = np.where(np.diff(values[place - 1], prepend=-1) == 0, np.roll(place, 1), 0)
    return float(np.log2((place - before)[place > n_first]).sum() / (n_blocks - n_first))
