"""Test for the longest run of ones in a block. SP 800-22, 2.4."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.sp800_22.chi_square import chi_square_p_value


class Blocks(NamedTuple):
    """Blocks of so many bits. Runs up to `lowest` are one class, those from `highest` on another."""

    bits: int
    lowest: int
    highest: int


CHOICES = ((750_000, Blocks(10_000, 10, 16)), (6_272, Blocks(128, 4, 9)), (128, Blocks(8, 1, 4)))
"""By the least length of a sequence (2.4.2 and 2.4.4)."""


def longest_run(bits: NDArray[np.uint8]) -> float:
    """P-value. bits: 0 or 1, shape (n,), n at least 128.

    The probabilities of the classes are exact. Those that the standard prints (3.4) are rounded to four places.
    """
    blocks = blocks_of(len(bits))
    return chi_square_p_value(longest_run_counts(bits), _probabilities(blocks))


def blocks_of(n: int) -> Blocks:
    """What the standard chooses for n bits, at least 128."""
    return next(blocks for least, blocks in CHOICES if n >= least)


def longest_run_counts(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Blocks of each class of longest run: shape (highest - lowest + 1,)."""
    blocks = blocks_of(len(bits))
    n_blocks = len(bits) // blocks.bits
    rows = np.zeros((n_blocks, blocks.bits + 2), np.int8)
    rows[:, 1:-1] = bits[: n_blocks * blocks.bits].reshape(n_blocks, blocks.bits)
    steps = np.diff(rows, axis=1)
    block, start = np.nonzero(steps == 1)
    longest = np.zeros(n_blocks, np.int64)
    np.maximum.at(longest, block, np.nonzero(steps == -1)[1] - start)
    classes = np.clip(longest, blocks.lowest, blocks.highest) - blocks.lowest
    return np.bincount(classes, minlength=blocks.highest - blocks.lowest + 1)


@cache
def _probabilities(blocks: Blocks) -> NDArray[np.float64]:
    at_most = [_no_longer(run, blocks.bits) for run in range(blocks.lowest, blocks.highest)]
    return np.diff([0.0, *at_most, 1.0])


def _no_longer(run: int, n: int) -> float:
    """Probability that n fair bits hold no run of more than `run` ones: by where the first zero stands."""
    p = [1.0] * (run + 1)
    for _ in range(n - run):
        p.append(sum(p[-j] * 0.5**j for j in range(1, run + 2)))
    return p[n]
