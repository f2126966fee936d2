"""The specification of every kernel in plain NumPy: slow, obvious, and equal bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def toeplitz(key: NDArray[np.uint8], seed: NDArray[np.uint8], length_bits: int) -> NDArray[np.uint8]:
    """y[i] = sum_j seed[n - 1 + i - j] key[j] over GF(2): rows of the Toeplitz matrix, one after another."""
    reversed_key = key[::-1].astype(np.int64)
    rows = (seed[i : i + len(key)] @ reversed_key & 1 for i in range(length_bits))
    return np.fromiter(rows, np.uint8, length_bits)


def toeplitz_packed(
    key: NDArray[np.uint8], n_bits: int, seed: NDArray[np.uint8], length_bits: int
) -> NDArray[np.uint8]:
    """The same on packed octets, the least significant bit first, the result's unused bits 0."""
    key_bits = np.unpackbits(key, count=n_bits, bitorder="little")
    seed_bits = np.unpackbits(seed, count=n_bits + length_bits - 1, bitorder="little")
    return np.packbits(toeplitz(key_bits, seed_bits, length_bits), bitorder="little")


def modified_toeplitz(key: NDArray[np.uint8], seed: NDArray[np.uint8], length_bits: int) -> NDArray[np.uint8]:
    """The first length_bits of the key plus the Toeplitz hash of the rest, of which there may be nothing."""
    head, rest = key[:length_bits], key[length_bits:]
    return head ^ toeplitz(rest, seed, length_bits) if len(rest) else head.copy()


def modified_toeplitz_packed(
    key: NDArray[np.uint8], n_bits: int, seed: NDArray[np.uint8], length_bits: int
) -> NDArray[np.uint8]:
    """The same on packed octets, as toeplitz_packed."""
    key_bits = np.unpackbits(key, count=n_bits, bitorder="little")
    seed_bits = np.unpackbits(seed, count=n_bits - 1, bitorder="little")
    return np.packbits(modified_toeplitz(key_bits, seed_bits, length_bits), bitorder="little")
