"""Toeplitz hashing against a convolution by FFT: the same bits, in floating point, with its rounding checked.

Rates count the bits that go in.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from haris.bench.contest import Conditions, Contest, Figures
from haris.kernels.toeplitz import instruction_set, toeplitz

N_BITS = 10**6
UNIT = "Mbit/s"


def contests(conditions: Conditions) -> Iterator[Contest]:
    """One contest. Each run raises ArithmeticError unless its hash is the one of the other's first run."""
    n_bits = max(2, conditions.size(N_BITS))
    length_bits = n_bits // 2
    rng = np.random.default_rng(conditions.seed)
    key = rng.integers(0, 2, n_bits, dtype=np.uint8)
    seed = rng.integers(0, 2, n_bits + length_bits - 1, dtype=np.uint8)
    expected = fourier_hash(key, seed)

    def ours() -> Figures:
        began = perf_counter()
        result = toeplitz(key, seed, length_bits)
        seconds = perf_counter() - began
        _require_equal(result, expected)
        return {UNIT: n_bits / seconds / 1e6}

    def peer() -> Figures:
        began = perf_counter()
        result = fourier_hash(key, seed)
        seconds = perf_counter() - began
        _require_equal(result, expected)
        return {UNIT: n_bits / seconds / 1e6}

    yield Contest("Toeplitz, 1e6 to 5e5 bits", ours, peer, instruction_set=instruction_set())


def fourier_hash(key: NDArray[np.uint8], seed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The Toeplitz hash as integer convolution modulo 2. Raises ArithmeticError where rounding might be wrong."""
    sums = fftconvolve(seed.astype(np.float64), key.astype(np.float64), mode="valid")
    whole = np.rint(sums)
    if float(np.max(np.abs(sums - whole))) > 0.01:
        raise ArithmeticError("the FFT is too coarse for these lengths")
    bits: NDArray[np.uint8] = (whole.astype(np.int64) & 1).astype(np.uint8)
    return bits


def _require_equal(result: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    if not np.array_equal(result, expected):
        raise ArithmeticError("the two hashes differ")
