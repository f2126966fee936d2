"""Binary matrix rank test: linear dependence of stretches of 32 bits. SP 800-22, 2.5."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.sp800_22.chi_square import chi_square_p_value

SIDE = 32


def matrix_rank(bits: NDArray[np.uint8], side: int = SIDE) -> float:
    """P-value of square matrices filled row by row. bits: 0 or 1, shape (n,), n at least side^2; side at most 64."""
    ranks = ranks_of(bits, side)
    full, less = (np.count_nonzero(ranks == rank) for rank in (side, side - 1))
    p_full, p_less = (_probability(side, rank) for rank in (side, side - 1))
    counts = np.array([full, less, len(ranks) - full - less])
    return chi_square_p_value(counts, (p_full, p_less, 1 - p_full - p_less))


def ranks_of(bits: NDArray[np.uint8], side: int) -> NDArray[np.int64]:
    """Rank of each matrix over the binary field, all eliminated together: shape (n // side^2,)."""
    n = len(bits) // side**2
    weights = np.left_shift(np.uint64(1), np.arange(side, dtype=np.uint64))
    rows = bits[: n * side**2].reshape(n, side, side) @ weights
    used = np.zeros((n, side), bool)
    matrix = np.arange(n)
    for column in range(side):
        has_bit = (rows >> np.uint64(column)) & np.uint64(1) != 0
        pivot = np.argmax(has_bit & ~used, axis=1)
        found = has_bit[matrix, pivot] & ~used[matrix, pivot]
        has_bit[matrix, pivot] = False
        rows ^= np.where(has_bit & found[:, None], rows[matrix, pivot][:, None], np.uint64(0))
        used[matrix[found], pivot[found]] = True
    return np.asarray(used.sum(axis=1))


def _probability(side: int, rank: int) -> float:
    """Of a random square matrix to have this rank (3.5)."""
    product = math.prod((1 - 2.0 ** (i - side)) ** 2 / (1 - 2.0 ** (i - rank)) for i in range(rank))
    return float(2.0 ** (rank * (2 * side - rank) - side**2) * product)
