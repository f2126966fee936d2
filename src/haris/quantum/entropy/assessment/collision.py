"""The Collision Estimate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.kernels.predictors import collision_times
from haris.quantum.entropy.assessment.estimate import Z_ALPHA, Estimate


def collision(bits: NDArray[np.uint8]) -> Estimate:
    """Min-entropy a bit from the mean wait for a repeated bit. bits: uint8 of 0 and 1, shape (n,). SP 800-90B, 6.3.2.

    A wait is 2 or 3 bits, and its mean 2 + 2 p (1 - p): step 7 of the standard, solved for p in closed form.
    """
    v, total = collision_times(bits)
    if v < 2:
        return Estimate(None, {"v": v, "sum_t": total})
    mean = total / v
    squares = 9 * v - 5 * (3 * v - total)  # waits of 3, and those of 2, of which there are 3 v - total
    sigma = math.sqrt(max(0.0, (squares - total * mean) / (v - 1)))
    bound = max(2.0, mean - Z_ALPHA * sigma / math.sqrt(v))
    p = 0.5 + math.sqrt(1.25 - 0.5 * bound) if bound < 2.5 else 0.5
    figures = {"v": v, "sum_t": total, "x_bar": mean, "sigma_hat": sigma, "x_bar_bound": bound, "p": p}
    return Estimate(-math.log2(p), figures)
