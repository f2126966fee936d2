"""Toeplitz hashing over GF(2) for privacy amplification."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError


def toeplitz(
    key: NDArray[np.uint8], seed: NDArray[np.uint8], length_bits: int, *, portable: bool = False
) -> NDArray[np.uint8]:
    """The first length_bits of the Toeplitz hash of key: y[i] = sum_j seed[n - 1 + i - j] key[j] over GF(2).

    key: n bits, seed: n + length_bits - 1 bits, result: length_bits bits; all uint8 0/1, 1 <= length_bits <= n.
    portable: take the path without carry-less multiplication (the same bits, slower).
    Raises ParameterError on other sizes or types.
    """
    for name, bits in (("key", key), ("seed", seed)):
        if bits.dtype != np.uint8 or bits.ndim != 1:
            raise ParameterError(f"{name} must be one row of uint8, got {bits.dtype} of shape {bits.shape}")
    _require_sizes(len(key), len(seed), length_bits)
    packed = toeplitz_packed(
        np.packbits(key, bitorder="little"),
        len(key),
        np.packbits(seed, bitorder="little"),
        length_bits,
        portable=portable,
    )
    return np.unpackbits(packed, count=length_bits, bitorder="little")


def toeplitz_packed(
    key: NDArray[np.uint8], n_bits: int, seed: NDArray[np.uint8], length_bits: int, *, portable: bool = False
) -> NDArray[np.uint8]:
    """The same hash on packed octets, the least significant bit first.

    key: ceil(n_bits / 8) octets, seed: ceil((n_bits + length_bits - 1) / 8), result: ceil(length_bits / 8), its
    unused bits 0. Raises ParameterError on other sizes.
    """
    _require_sizes(n_bits, n_bits + length_bits - 1, length_bits)
    if len(key) != -(-n_bits // 8) or len(seed) != -(-(n_bits + length_bits - 1) // 8):
        raise ParameterError(f"{len(key)} octets of key and {len(seed)} of seed do not fit {n_bits} bits")
    result = np.empty(-(-length_bits // 8), np.uint8)
    key, seed = np.ascontiguousarray(key), np.ascontiguousarray(seed)
    _native.toeplitz(key, n_bits, seed, result, length_bits, portable)
    return result


def instruction_set() -> str:
    """What the hash runs on here: `clmul`, carry-less multiplication, or `portable`."""
    return str(_native.instruction_set())


def _require_sizes(n_bits: int, seed_bits: int, length_bits: int) -> None:
    if not 1 <= length_bits <= n_bits:
        raise ParameterError(f"a hash of {n_bits} bits has 1 to {n_bits} bits, got {length_bits}")
    if seed_bits != n_bits + length_bits - 1:
        raise ParameterError(f"the seed must have {n_bits + length_bits - 1} bits, got {seed_bits}")
