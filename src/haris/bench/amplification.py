"""Toeplitz hashing against a convolution by FFT, and against libraries for products over GF(2)[x].

The FFT gives the same bits, in floating point, with its rounding checked. The libraries multiply the seed by the key:
the hash is the middle of that product. Rates count the bits that go in; packed octets go in and come out. Our runs
share a workspace, as the blocks of a stream do.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from haris.bench.amplification_memory import peak_octets
from haris.bench.amplification_peers import LIBRARIES, Library
from haris.bench.contest import Conditions, Contest, Figures
from haris.kernels.toeplitz import Workspace, instruction_set, modified_toeplitz_packed, paths, toeplitz_packed

SIZES = {"1e6 to 5e5 bits": 10**6, "1e7 to 5e6 bits": 10**7, "1e8 to 5e7 bits": 10**8}
FOURIER_MOST_BITS = 10**7
UNIT = "Mbit/s"
RARE = ("gfni", "avx512", "vpclmul")
"""Paths beyond AVX2 and PCLMUL."""

Octets = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Task:
    """A key of n_bits and a seed for a hash of length_bits, packed, the least significant bit first."""

    n_bits: int
    length_bits: int
    key: Octets
    seed: Octets
    workspace: Workspace

    def rate(self, seconds: float) -> Figures:
        """Bits of the key a second."""
        return {UNIT: self.n_bits / seconds / 1e6}


def contests(conditions: Conditions) -> Iterator[Contest]:
    """For each size the FFT and the libraries. Each run raises ArithmeticError unless its hash is the first run's."""
    for setting, full in SIZES.items():
        task = _task(max(64, conditions.size(full)), conditions.seed)
        expected = toeplitz_packed(task.key, task.n_bits, task.seed, task.length_bits)
        ours = partial(_ours, task, expected, instruction_set())
        common = next(path for path in paths() if path not in RARE)
        fourier = partial(_fourier, task, expected) if full <= FOURIER_MOST_BITS else None
        yield Contest(f"Toeplitz, {setting}", ours, fourier, instruction_set=instruction_set())
        for library in LIBRARIES:
            loaded = library.load()
            for words, path in (("Toeplitz", instruction_set()), ("Toeplitz by AVX2 and PCLMUL", common)):
                yield Contest(
                    f"{words} beside {library.name}, {setting}",
                    partial(_ours, task, expected, path),
                    None if loaded is None else partial(_library, task, expected, library, loaded),
                    absent="" if loaded else f"{library.variable} names none",
                    instruction_set=path,
                )
        yield Contest(f"(I | T), {setting}", partial(_modified, task), instruction_set=instruction_set())
    n_bits = max(64, conditions.size(10**8))
    yield Contest(
        "Toeplitz, memory, 1e8 to 5e7 bits",
        lambda: {"MB": peak_octets(n_bits, conditions.seed) / 1e6},
        instruction_set=instruction_set(),
    )


def fourier_hash(key: NDArray[np.uint8], seed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The Toeplitz hash of bits as integer convolution modulo 2. Raises ArithmeticError where rounding may be wrong."""
    sums = fftconvolve(seed.astype(np.float64), key.astype(np.float64), mode="valid")
    whole = np.rint(sums)
    if float(np.max(np.abs(sums - whole))) > 0.01:
        raise ArithmeticError("the FFT is too coarse for these lengths")
    bits: NDArray[np.uint8] = (whole.astype(np.int64) & 1).astype(np.uint8)
    return bits


def _task(n_bits: int, seed: int) -> Task:
    rng = np.random.default_rng(seed)
    length_bits = n_bits // 2
    key, matrix = (_packed(rng, size) for size in (n_bits, n_bits + length_bits - 1))
    return Task(n_bits, length_bits, key, matrix, Workspace())


def _packed(rng: np.random.Generator, n_bits: int) -> Octets:
    octets = rng.integers(0, 256, -(-n_bits // 8), dtype=np.uint8)
    octets[-1] &= 0xFF >> -n_bits % 8
    return octets


def _ours(task: Task, expected: Octets, path: str) -> Figures:
    began = perf_counter()
    result = toeplitz_packed(task.key, task.n_bits, task.seed, task.length_bits, path=path, workspace=task.workspace)
    seconds = perf_counter() - began
    _require_equal(result, expected)
    return task.rate(seconds)


def _modified(task: Task) -> Figures:
    seed = task.seed[: -(-(task.n_bits - 1) // 8)]
    began = perf_counter()
    modified_toeplitz_packed(task.key, task.n_bits, seed, task.length_bits, workspace=task.workspace)
    return task.rate(perf_counter() - began)


def _fourier(task: Task, expected: Octets) -> Figures:
    key = np.unpackbits(task.key, count=task.n_bits, bitorder="little")
    seed = np.unpackbits(task.seed, count=task.n_bits + task.length_bits - 1, bitorder="little")
    began = perf_counter()
    result = fourier_hash(key, seed)
    seconds = perf_counter() - began
    _require_equal(np.packbits(result, bitorder="little"), expected)
    return task.rate(seconds)


def _library(task: Task, expected: Octets, library: Library, loaded: ctypes.CDLL) -> Figures:
    product = library.multiply(loaded, _words(task.seed), _words(task.key))
    first = task.n_bits - 1
    octets = product.words.view(np.uint8)[first // 8 : (first + task.length_bits + 7) // 8]
    part = np.unpackbits(octets, bitorder="little")[first % 8 :][: task.length_bits]
    _require_equal(np.packbits(part, bitorder="little"), expected)
    return task.rate(product.seconds)


def _words(octets: Octets) -> NDArray[np.uint64]:
    return np.concatenate([octets, np.zeros(-len(octets) % 8, np.uint8)]).view(np.uint64)


def _require_equal(result: Octets, expected: Octets) -> None:
    if not np.array_equal(result, expected):
        raise ArithmeticError("the two hashes differ")
