"""The predictors of NIST SP 800-90B, 6.3.7 to 6.3.10, and the waiting times of 6.3.2.

Each predictor takes symbols (uint8, shape (n,), below n_symbols, which is 2 to 256) and gives how many of its
predictions are right and the longest run of right ones. Raises ParameterError on other shapes, types and ranges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError


def predict_mcw(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]:
    """MultiMCW: the commonest symbol of a window, from the 64th sample on."""
    return _native.predict_mcw(_checked(symbols, n_symbols), n_symbols)


def predict_lag(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]:
    """Lag: the symbol 1 to 128 samples before, from the second sample on."""
    return _native.predict_lag(_checked(symbols, n_symbols), n_symbols)


def predict_mmc(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]:
    """MultiMMC: the commonest successor of the last 1 to 16 symbols, from the third sample on."""
    return _native.predict_mmc(_checked(symbols, n_symbols), n_symbols)


def predict_lz78y(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]:
    """LZ78Y: the commonest successor in a dictionary that fills once, from the 18th sample on."""
    return _native.predict_lz78y(_checked(symbols, n_symbols), n_symbols)


def collision_times(bits: NDArray[np.uint8]) -> tuple[int, int]:
    """How many waits for a repeated bit end, and how many bits they take together. bits: uint8 of 0 and 1."""
    return _native.collision_times(_checked(bits, 2))


def _checked(symbols: NDArray[np.uint8], n_symbols: int) -> NDArray[np.uint8]:
    if symbols.dtype != np.uint8 or symbols.ndim != 1:
        raise ParameterError(f"symbols are one row of uint8, got {symbols.dtype} of shape {symbols.shape}")
    if not 2 <= n_symbols <= 256 or (len(symbols) and int(symbols.max()) >= n_symbols):
        raise ParameterError(f"symbols must lie below n_symbols, which is 2 to 256, got {n_symbols}")
    return np.ascontiguousarray(symbols)
