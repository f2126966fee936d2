"""The statistics of NIST SP 800-90B, 5.1.1 to 5.1.10, that permutation tests compare, and the shuffle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError

N_STATISTICS = 18


def permutation_statistics(
    values: NDArray[np.uint8], symbols: NDArray[np.uint8], n_symbols: int, mean: float, median: float, wanted: int
) -> NDArray[np.float64]:
    """Excursion, runs, collisions, periodicities and covariances: float64, shape (18,), NaN where not wanted.

    values, symbols: uint8, shape (n,), n > 1: samples as they are, and as indices of their alphabet, below n_symbols.
    Two symbols are converted by eights (5.1). mean is of values, median of symbols. Bit s of `wanted` asks for
    statistic s.
    Raises ParameterError on other shapes, types and ranges.
    """
    for row in (values, symbols):
        if row.dtype != np.uint8 or row.ndim != 1 or len(row) != len(values) or len(row) < 2:
            raise ParameterError(f"values and symbols are rows of uint8 of one length, got {row.dtype} of {row.shape}")
    if not 2 <= n_symbols <= 256 or int(symbols.max()) >= n_symbols:
        raise ParameterError(f"symbols must lie below n_symbols, which is 2 to 256, got {n_symbols}")
    out = np.full(N_STATISTICS, np.nan)
    _native.permutation_statistics(
        np.ascontiguousarray(values), np.ascontiguousarray(symbols), n_symbols, mean, median, wanted, out
    )
    return out


def shuffle(values: NDArray[np.uint8], words: NDArray[np.uint64]) -> None:
    """Shuffles values in place (Fisher and Yates): word i in [1, n) chooses which of the first i + 1 comes to i.

    values: uint8, shape (n,), contiguous; words: uint64, shape (n,), uniform: a choice is off by n / 2^64.
    Raises ParameterError on other shapes and types.
    """
    if values.dtype != np.uint8 or words.dtype != np.uint64 or values.ndim != 1 or values.shape != words.shape:
        raise ParameterError(f"values and words are rows of one length, got {values.shape} and {words.shape}")
    if not values.flags.c_contiguous or not values.flags.writeable:
        raise ParameterError("values must be contiguous and writeable")
    _native.shuffle(values, np.ascontiguousarray(words))
