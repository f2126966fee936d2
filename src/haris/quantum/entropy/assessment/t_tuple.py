"""The t-Tuple Estimate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.assessment.estimate import Estimate, upper_bound

CUTOFF = 35


def t_tuple(most: NDArray[np.int64], n: int) -> Estimate:
    """Min-entropy a symbol from the commonest t-tuples. SP 800-90B, 6.3.5. None where no symbol comes 35 times.

    most: occurrences of the commonest t-tuple at index t - 1 (haris.kernels.repeats), of n symbols.
    """
    t = int(np.count_nonzero(most >= CUTOFF))
    if t == 0:
        return Estimate(None, {"t": 0})
    lengths = np.arange(1, t + 1)
    p_hat = float(((most[:t] / (n - lengths + 1)) ** (1.0 / lengths)).max())
    p_u = upper_bound(p_hat, n)
    return Estimate(-math.log2(p_u), {"t": t, "p_hat_max": p_hat, "p_u": p_u})
