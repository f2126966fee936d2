"""The specification of haris.kernels.bzip2_length: the library itself."""

from __future__ import annotations

import bz2

import numpy as np
from numpy.typing import NDArray

LEVEL = 5


def bzip2_length(values: NDArray[np.uint8]) -> int:
    """Specification of haris.kernels.bzip2_length.bzip2_length."""
    return len(bz2.compress(" ".join(map(str, values.tolist())).encode(), LEVEL))
