"""Shannon's binary entropy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr

LN_2 = math.log(2.0)


def binary_entropy(p: ArrayLike) -> NDArray[np.float64]:
    """Entropy h(p) in bits of a coin that falls heads with probability p; shape of p, 0 outside (0, 1)."""
    p = np.minimum(np.maximum(np.asarray(p, dtype=np.float64), 0.0), 1.0)
    return np.asarray((entr(p) + entr(1.0 - p)) / LN_2)
