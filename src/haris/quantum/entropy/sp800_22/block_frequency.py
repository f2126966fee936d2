"""Frequency test within a block: as many ones as zeros in each. SP 800-22, 2.2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.sp800_22.chi_square import upper_tail

BLOCK_BITS = 128


def block_frequency(bits: NDArray[np.uint8], block_bits: int = BLOCK_BITS) -> float:
    """P-value. bits: 0 or 1, shape (n,), n at least block_bits; what is no whole block is left out."""
    n_blocks = len(bits) // block_bits
    shares = bits[: n_blocks * block_bits].reshape(n_blocks, block_bits).mean(axis=1)
    return upper_tail(float(4 * block_bits * ((shares - 0.5) ** 2).sum()), n_blocks)
