"""Frequency (monobit) test: as many ones as zeros. SP 800-22, 2.1."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def frequency(bits: NDArray[np.uint8]) -> float:
    """P-value. bits: 0 or 1, shape (n,)."""
    n = len(bits)
    return math.erfc(abs(2 * np.count_nonzero(bits) - n) / math.sqrt(2 * n))
