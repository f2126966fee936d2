"""How long bzip2 makes samples that are written in decimal: the compression statistic of NIST SP 800-90B, 5.1.11."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError


def bzip2_length(values: NDArray[np.uint8]) -> int:
    """Octets of the stream that libbz2 1.0 makes at level 5 of values in decimal with blanks between.

    values: uint8, shape (n,), n > 0. Nothing is compressed: rotations of the text are sorted by whole numbers.
    Raises ParameterError on another shape or type.
    """
    if values.dtype != np.uint8 or values.ndim != 1 or not len(values):
        raise ParameterError(f"values are a row of uint8 that is not empty, got {values.dtype} of {values.shape}")
    return int(_native.bzip2_length(np.ascontiguousarray(values)))
