"""Overlapping tuples of bits as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_WIDTH = 16


def windows(bits: NDArray[np.uint8], width: int) -> NDArray[np.uint16]:
    """The `width` bits from each position on, the first highest: uint16, shape (..., n - width + 1), by doubling.

    bits: 0 or 1, shape (..., n). width: 1 to 16, at most n.
    """
    numbers: NDArray[np.uint16] = bits.astype(np.uint16)
    have = 1
    while have < width:
        step = min(have, width - have)
        low = numbers[..., step:] & np.uint16((1 << step) - 1)
        numbers = (numbers[..., :-step] << np.uint16(step)) | low
        have += step
    return numbers


def cyclic_counts(bits: NDArray[np.uint8], width: int) -> NDArray[np.int64]:
    """How often each tuple of `width` bits comes, the sequence continued by its own beginning: shape (2^width,)."""
    return np.bincount(windows(np.concatenate([bits, bits[: width - 1]]), width), minlength=1 << width)


def shorter(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cyclic counts of tuples one bit shorter, from those of the longer: shape (k / 2,) from (k,)."""
    return np.asarray(counts.reshape(-1, 2).sum(axis=1))
