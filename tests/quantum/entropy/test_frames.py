"""Frames: every sample is dealt once, turns are even, and blocks with a first or last code are left out."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.frames import dealt_blocks, drawn_turns, saturated_blocks


def fresh(n):
    return np.random.default_rng(n).bytes(n)


def test_turns_are_uniform_below_the_length_of_a_row():
    """40 000 turns of 16; six standard errors."""
    turns = drawn_turns(fresh, 40_000, 16)
    assert turns.dtype == np.uint32
    assert np.all(np.abs(np.bincount(turns, minlength=16) - 2500) < 6 * 50)
    assert not drawn_turns(fresh, 10, 1).any()


def test_all_samples_of_a_frame_are_dealt_a_row_to_a_block():
    frame = RawSamples(np.arange(1, 1 + 40 * 1024, dtype=np.uint16), 16)
    parts = list(dealt_blocks(frame, drawn_turns(fresh, 40, 1024)))
    blocks = np.concatenate([samples.values for samples, _ in parts]).reshape(-1, 40)
    assert sum(n for _, n in parts) == len(blocks) == 1024
    assert np.array_equal(np.sort(blocks.ravel()), frame.values)
    assert np.array_equal((blocks - 1) // 1024, np.tile(np.arange(40), (1024, 1)))


def test_blocks_with_a_first_or_last_code_are_left_out():
    values = np.full(16 * 64, 100, np.uint8)
    values[[70, 500]] = 0, 255
    turns = drawn_turns(fresh, 16, 64)
    ((samples, n),) = list(dealt_blocks(RawSamples(values, 8), turns))
    hit = {(70 - 64 - int(turns[1])) % 64, (500 - 7 * 64 - int(turns[7])) % 64}
    assert n == 64 - len(hit)
    assert len(samples) == 16 * n
    assert set(samples.values) == {100}
    assert np.flatnonzero(saturated_blocks(np.array([[1, 2], [3, 0], [7, 1]], np.uint8), 3)).tolist() == [1, 2]


def test_a_frame_that_is_not_whole_is_refused():
    with pytest.raises(ParameterError, match="frame"):
        list(dealt_blocks(RawSamples(np.ones(13, np.uint8), 8), np.zeros(3, np.uint32)))
