"""How often tuples of each length repeat in a sequence of symbols."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError

MOST_SYMBOLS = 2**32 - 2


def tuple_repeats(symbols: NDArray[np.uint8], width: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Occurrences of the commonest t-tuple, int64, and pairs of equal t-tuples, uint64: each at index t - 1.

    symbols: uint8, shape (n,), below 2^width, width 1 to 8. Both end at the longest repeated tuple (empty: none).
    Raises ParameterError on other shapes, types and ranges.
    """
    if symbols.dtype != np.uint8 or symbols.ndim != 1 or not 1 <= len(symbols) <= MOST_SYMBOLS:
        raise ParameterError(f"symbols are one row of uint8, got {symbols.dtype} of shape {symbols.shape}")
    if not 1 <= width <= 8 or int(symbols.max()) >> width:
        raise ParameterError(f"symbols must lie below 2^width with a width of 1 to 8, got a width of {width}")
    return _native.tuple_repeats(np.ascontiguousarray(symbols), width)
