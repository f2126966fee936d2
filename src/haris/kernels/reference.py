"""The specification of every kernel in plain NumPy: slow, obvious, and equal bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def toeplitz(key: NDArray[np.uint8], seed: NDArray[np.uint8], length_bits: int) -> NDArray[np.uint8]:
    """y[i] = sum_j seed[n - 1 + i - j] key[j] over GF(2): rows of the Toeplitz matrix, one after another."""
    reversed_key = key[::-1].astype(np.int64)
    rows = (seed[i : i + len(key)] @ reversed_key & 1 for i in range(length_bits))
    return np.fromiter(rows, np.uint8, length_bits)
