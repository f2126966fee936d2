"""Frames of samples that share their checks: dealt to blocks at random, so that each block has a bound of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from haris.kernels.deal import deal
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import Codes, RawSamples

TURN_BITS = 32
"""Random bits that are drawn for the turn of a row."""
_TOGETHER_OCTETS = 2**18
"""Of blocks that are dealt together: they stay in the processor's cache until they are hashed."""


def drawn_turns(fresh: Callable[[int], bytes], n_rows: int, frame_blocks: int) -> NDArray[np.uint32]:
    """A turn for each row, uniform below frame_blocks, a power of 2.

    fresh: so many random octets, not drawn before the light of the frame was made.
    """
    drawn = np.frombuffer(fresh(n_rows * TURN_BITS // 8), "<u4")
    return (drawn & np.uint32(frame_blocks - 1)).astype(np.uint32)


def saturated_blocks(blocks: Codes, bits: int) -> NDArray[np.bool_]:
    """Which of the blocks, shape (n, samples), have a first or last code."""
    return np.asarray(np.any((blocks == 0) | (blocks == 2**bits - 1), axis=1))


def dealt_blocks(frame: RawSamples, turns: NDArray[np.uint32]) -> Iterator[tuple[RawSamples, int]]:
    """The blocks of a frame, some at a time: samples of those without a first or last code, and how many these are.

    turns: of the rows, as many as a block has samples. Raises ParameterError unless the frame is whole rows.
    """
    n_rows = len(turns)
    if not n_rows or not len(frame) or len(frame) % n_rows:
        raise ParameterError(f"frame must be whole rows, {n_rows} of them, got {len(frame)} samples")
    frame_blocks = len(frame) // n_rows
    together = max(1, _TOGETHER_OCTETS // (n_rows * frame.values.itemsize))
    for first in range(0, frame_blocks, together):
        last = 2**frame.bits - 1
        blocks, ends = deal(frame.values, turns, first, min(together, frame_blocks - first), last)
        if ends:
            blocks = blocks[~saturated_blocks(blocks, frame.bits)]
        yield RawSamples(blocks.reshape(-1), frame.bits, frame.clock_hz), len(blocks)
