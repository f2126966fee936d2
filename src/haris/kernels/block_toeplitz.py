"""One Toeplitz matrix over GF(2), applied to block after block of a stream of packed bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError

Octets = NDArray[np.uint8]

MOST_BLOCK_BITS = 2**16
"""The longest block. Longer ones are hashed by haris.kernels.toeplitz, in time that grows more slowly."""


class BlockToeplitz:
    """The Toeplitz hash of haris.kernels.toeplitz with its matrix prepared once.

    seed: n_bits + length_bits - 1 bits, packed, the least significant bit of an octet first; 1 <= length_bits <=
    n_bits <= 2^16. path: one of paths(), the fastest by default; the bits are the same on all.
    Raises ParameterError on other sizes, types or paths.
    """

    def __init__(self, seed: Octets, n_bits: int, length_bits: int, *, path: str | None = None) -> None:
        if not 1 <= length_bits <= n_bits <= MOST_BLOCK_BITS:
            raise ParameterError(
                f"length_bits must be 1 to n_bits, n_bits up to {MOST_BLOCK_BITS}, got {length_bits} of {n_bits}"
            )
        _require_octets("seed", seed, n_bits + length_bits - 1)
        if path is not None and path not in paths():
            raise ParameterError(f"path must be one of {', '.join(paths())} on this processor, got {path}")
        self.n_bits, self.length_bits = n_bits, length_bits
        self.path = path or paths()[0]
        self._matrix = _native.BlockToeplitz(np.ascontiguousarray(seed), n_bits, length_bits)

    def hash(self, blocks: Octets, n_blocks: int) -> Octets:
        """The hashes of n_blocks blocks, which lie bit behind bit in packed octets, as the hashes then do.

        blocks: ceil(n_blocks n_bits / 8) octets; result: ceil(n_blocks length_bits / 8), its unused bits 0.
        Raises ParameterError on other sizes or types.
        """
        if n_blocks < 0:
            raise ParameterError(f"n_blocks must be at least 0, got {n_blocks}")
        _require_octets("blocks", blocks, n_blocks * self.n_bits)
        result = np.empty(-(-n_blocks * self.length_bits // 8), np.uint8)
        self._matrix.hash(np.ascontiguousarray(blocks), n_blocks, result, self.path)
        return result


def paths() -> tuple[str, ...]:
    """What it can run on here, the fastest first: avx512, vpclmul, clmul or pmull, and always portable."""
    return tuple(_native.block_toeplitz_paths())


def _require_octets(name: str, octets: Octets, n_bits: int) -> None:
    if octets.dtype != np.uint8 or octets.ndim != 1:
        raise ParameterError(f"{name} must be one row of uint8, got {octets.dtype} of shape {octets.shape}")
    if len(octets) != -(-n_bits // 8):
        raise ParameterError(f"{name} must have {-(-n_bits // 8)} octets for {n_bits} bits, got {len(octets)}")
