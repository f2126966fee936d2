"""Approximate entropy test: tuples beside those that are one bit longer. SP 800-22, 2.12."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from haris.quantum.entropy.sp800_22.chi_square import upper_tail
from haris.quantum.entropy.sp800_22.windows import cyclic_counts, shorter

TUPLE_BITS = 10


def approximate_entropy(bits: NDArray[np.uint8], tuple_bits: int = TUPLE_BITS) -> float:
    """P-value. bits: 0 or 1, shape (n,); tuple_bits: 1 to 15."""
    n = len(bits)
    longer = cyclic_counts(bits, tuple_bits + 1)
    entropy = _phi(shorter(longer) / n) - _phi(longer / n)
    return upper_tail(2 * n * (math.log(2) - entropy), 1 << tuple_bits)


def _phi(shares: NDArray[np.float64]) -> float:
    return float(xlogy(shares, shares).sum())
