"""The specification of the block-wise Toeplitz hash: the plain one, of one block after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.reference import toeplitz


def block_toeplitz(
    blocks: NDArray[np.uint8], n_blocks: int, seed: NDArray[np.uint8], n_bits: int, length_bits: int
) -> NDArray[np.uint8]:
    """Hashes of n_blocks blocks of n_bits each, bit behind bit, packed as BlockToeplitz.hash has them."""
    rows = np.unpackbits(blocks, count=n_blocks * n_bits, bitorder="little").reshape(n_blocks, n_bits)
    seed_bits = np.unpackbits(seed, count=n_bits + length_bits - 1, bitorder="little")
    hashes = [toeplitz(row, seed_bits, length_bits) for row in rows]
    return np.packbits(np.concatenate([np.empty(0, np.uint8), *hashes]), bitorder="little")
