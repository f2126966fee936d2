"""Runs test: how often the bits change. SP 800-22, 2.3."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def runs(bits: NDArray[np.uint8]) -> float:
    """P-value; 0 where ones are so rare or frequent that the frequency test fails at once (2.3.4, step 2).

    bits: 0 or 1, shape (n,).
    """
    n = len(bits)
    share = np.count_nonzero(bits) / n
    if abs(share - 0.5) >= 2 / math.sqrt(n):
        return 0.0
    n_runs = np.count_nonzero(bits[1:] != bits[:-1]) + 1
    product = share * (1 - share)
    return math.erfc(abs(n_runs - 2 * n * product) / (2 * math.sqrt(2 * n) * product))
