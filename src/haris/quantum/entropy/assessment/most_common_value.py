"""The Most Common Value Estimate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.assessment.estimate import Estimate, upper_bound


def most_common_value(symbols: NDArray[np.uint8]) -> Estimate:
    """Min-entropy a symbol from the proportion of the commonest. symbols: uint8, shape (n,). SP 800-90B, 6.3.1."""
    mode = int(np.bincount(symbols).max())
    p_hat = mode / len(symbols)
    p_u = upper_bound(p_hat, len(symbols))
    return Estimate(-math.log2(p_u), {"mode": mode, "p_hat": p_hat, "p_u": p_u})
