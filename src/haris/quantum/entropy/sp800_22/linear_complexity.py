"""Linear complexity test: the shortest shift register that gives a block. SP 800-22, 2.10."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.sp800_22.chi_square import chi_square_p_value

BLOCK_BITS = 500
EDGES = (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)


def linear_complexity(bits: NDArray[np.uint8], block_bits: int = BLOCK_BITS) -> float:
    """P-value. bits: 0 or 1, shape (n,), n at least block_bits.

    The probabilities of the classes are exact. NIST's program has 0.01047 where the standard prints 0.010417 (3.10).
    """
    return chi_square_p_value(linear_complexity_counts(bits, block_bits), _probabilities(block_bits))


def linear_complexity_counts(bits: NDArray[np.uint8], block_bits: int = BLOCK_BITS) -> NDArray[np.int64]:
    """Blocks of each class of complexity: shape (7,)."""
    n_blocks = len(bits) // block_bits
    blocks = bits[: n_blocks * block_bits].reshape(n_blocks, block_bits)
    return np.bincount(_classes(complexities(blocks), block_bits), minlength=len(EDGES) + 1)


def complexities(blocks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Length of the shortest linear feedback shift register of each block, by Berlekamp and Massey.

    blocks: 0 or 1, shape (blocks, n). All blocks go together, a bit at a time; a polynomial is a column of words.
    """
    n_blocks, n = blocks.shape
    n_words = n // 64 + 1
    now, before, seen = (np.zeros((n_words, n_blocks), np.uint64) for _ in range(3))
    now[0] = before[0] = 1
    length = np.zeros(n_blocks, np.int64)
    for i, bit in enumerate(blocks.T.astype(np.uint64)):
        words = slice(0, (i + 1) // 64 + 1)
        _shift(seen[words])
        seen[0] |= bit
        _shift(before[words])
        parity = np.bitwise_xor.reduce(now[words] & seen[words], axis=0)
        wrong = (np.bitwise_count(parity) & 1).astype(bool)
        longer = wrong & (2 * length <= i)
        kept = now[words][:, longer]
        now[words] ^= before[words] * wrong.astype(np.uint64)
        before[words, longer] = kept
        length[longer] = i + 1 - length[longer]
    return length


def _shift(words: NDArray[np.uint64]) -> None:
    """Multiply by x, in place: each column is a polynomial, its lowest word first."""
    carry = words[:-1] >> np.uint64(63)
    np.left_shift(words, np.uint64(1), out=words)
    words[1:] |= carry


def _classes(length: NDArray[np.int64], block_bits: int) -> NDArray[np.int64]:
    """Class of each complexity, by its distance from the mean (2.10.4, steps 3 and 4)."""
    sign = 1 - 2 * (block_bits % 2)
    mean = block_bits / 2 + (9 - sign) / 36 - (block_bits / 3 + 2 / 9) / 2**block_bits
    return np.asarray(np.searchsorted(EDGES, sign * (length - mean) + 2 / 9))


@cache
def _probabilities(block_bits: int) -> NDArray[np.float64]:
    """Of each class. There are 2^min(2L - 1, 2n - 2L) blocks of n bits of complexity L, and one of 0 (Rueppel 1986)."""
    length = np.arange(block_bits + 1)
    p = 2.0 ** (np.minimum(2 * length - 1, 2 * (block_bits - length)) - block_bits)
    p[0] = 2.0**-block_bits
    return np.bincount(_classes(length, block_bits), p, len(EDGES) + 1).astype(np.float64)
