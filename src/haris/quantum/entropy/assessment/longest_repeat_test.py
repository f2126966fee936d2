"""The Length of the Longest Repeated Substring Test of the IID track."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.kernels.repeats import tuple_repeats

ALPHA = 0.001


@dataclass(frozen=True, slots=True)
class LongestRepeat:
    """Probability that two symbols agree, the length of the longest repeat, and the probability of one so long."""

    p_col: float
    length: int
    p_value: float

    @property
    def passed(self) -> bool:
        """Whether a repeat so long is no rarer than 0.1 %."""
        return self.p_value >= ALPHA


def longest_repeat_test(symbols: NDArray[np.uint8], n_symbols: int) -> LongestRepeat:
    """Whether independent symbols repeat themselves for so long. SP 800-90B, 5.2.5.

    symbols: uint8, shape (n,), below n_symbols.
    """
    p = np.bincount(symbols) / len(symbols)
    p_col = float(np.square(p).sum())
    most, _ = tuple_repeats(symbols, (n_symbols - 1).bit_length())
    if len(most) == 0:
        return LongestRepeat(p_col, 0, 1.0)
    n_starts = len(symbols) - len(most) + 1
    n_pairs = n_starts * (n_starts - 1) // 2
    return LongestRepeat(p_col, len(most), -math.expm1(n_pairs * math.log1p(-(p_col ** len(most)))))
