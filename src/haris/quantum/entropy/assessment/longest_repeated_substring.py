"""The Longest Repeated Substring (LRS) Estimate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.assessment.estimate import Estimate, upper_bound
from haris.quantum.entropy.assessment.t_tuple import CUTOFF


def longest_repeated_substring(most: NDArray[np.int64], pairs: NDArray[np.uint64], n: int) -> Estimate:
    """Min-entropy a symbol from how often tuples collide that are too long for the t-tuple estimate. SP 800-90B, 6.3.6.

    most, pairs: occurrences of the commonest t-tuple, and pairs of equal ones, at index t - 1 (haris.kernels.repeats).
    None where every tuple that repeats does so 35 times.
    """
    u, v = int(np.count_nonzero(most >= CUTOFF)) + 1, len(most)
    if v < u:
        return Estimate(None, {"u": u, "v": v})
    lengths = np.arange(u, v + 1, dtype=np.float64)
    p_hat = float(((pairs[u - 1 :] / ((n - lengths) * (n - lengths + 1) / 2)) ** (1.0 / lengths)).max())
    p_u = upper_bound(p_hat, n)
    return Estimate(-math.log2(p_u), {"u": u, "v": v, "p_hat": p_hat, "p_u": p_u})
