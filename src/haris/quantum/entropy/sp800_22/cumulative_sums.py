"""Cumulative sums (cusum) test: how far a walk of the bits strays. SP 800-22, 2.13."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr


def walk(bits: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Where a walk stands after each bit, +1 for a one and -1 for a zero: shape (n,)."""
    return np.cumsum(2 * bits.astype(np.int8) - 1, dtype=np.int32)


def cumulative_sums(bits: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Two P-values, forward and backward. bits: 0 or 1, shape (n,)."""
    at = walk(bits)
    low, high, end = min(0, int(at.min())), max(0, int(at.max())), int(at[-1])
    backward = max(end - low, high - end)
    return np.array([_p_value(max(int(at.max()), -int(at.min())), len(bits)), _p_value(backward, len(bits))])


def _p_value(farthest: int, n: int) -> float:
    """Probability that a walk of n steps strays so far."""
    scale = farthest / np.sqrt(n)
    within = np.arange(np.ceil((1 - n / farthest) / 4), np.floor((n / farthest - 1) / 4) + 1)
    beyond = np.arange(np.ceil((-n / farthest - 3) / 4), np.floor((n / farthest - 1) / 4) + 1)
    return float(
        1.0
        - (ndtr((4 * within + 1) * scale) - ndtr((4 * within - 1) * scale)).sum()
        + (ndtr((4 * beyond + 3) * scale) - ndtr((4 * beyond + 1) * scale)).sum()
    )
