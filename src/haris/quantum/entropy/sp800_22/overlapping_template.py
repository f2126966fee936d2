"""Overlapping template matching test: how often nine ones come in a row. SP 800-22, 2.8."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.sp800_22.chi_square import chi_square_p_value
from haris.quantum.entropy.sp800_22.windows import windows

TEMPLATE_BITS = 9
BLOCK_BITS = 1032
MOST = 5


def overlapping_template(bits: NDArray[np.uint8]) -> float:
    """P-value. bits: 0 or 1, shape (n,), n at least 1032.

    The probabilities of the classes are exact, as Hamano and Kaneko (IEICE Trans. Fundamentals E90-A, 1788, 2007) found
    and the standard prints (3.8). NIST's program computes an older approximation, and its P-values differ.
    """
    return chi_square_p_value(overlapping_counts(bits), overlapping_probabilities())


def overlapping_counts(
    bits: NDArray[np.uint8], template_bits: int = TEMPLATE_BITS, block_bits: int = BLOCK_BITS, most: int = MOST
) -> NDArray[np.int64]:
    """Blocks in which the template comes 0, 1, ... times, `most` or more together: shape (most + 1,)."""
    n_blocks = len(bits) // block_bits
    ones = (1 << template_bits) - 1
    found = (windows(bits[: n_blocks * block_bits].reshape(n_blocks, block_bits), template_bits) == ones).sum(axis=1)
    return np.bincount(np.minimum(found, most), minlength=most + 1)


@cache
def overlapping_probabilities(
    template_bits: int = TEMPLATE_BITS, block_bits: int = BLOCK_BITS, most: int = MOST
) -> NDArray[np.float64]:
    """Of each class: a chain over the ones that stand in a row now and the templates found, bit by bit."""
    p = np.zeros((template_bits + 1, most + 1))
    p[0, 0] = 1.0
    for _ in range(block_bits):
        after = np.zeros_like(p)
        after[0] = 0.5 * p.sum(axis=0)
        after[1:template_bits] = 0.5 * p[: template_bits - 1]
        whole = 0.5 * (p[template_bits - 1] + p[template_bits])
        after[template_bits, 1:] = whole[:-1]
        after[template_bits, most] += whole[most]
        p = after
    return np.asarray(p.sum(axis=0))
