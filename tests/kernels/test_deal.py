"""Dealing equals its specification, for all shapes and types."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels.deal import deal
from haris.kernels.reference_deal import deal as specification
from haris.nouns.errors import ParameterError


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([np.uint8, np.uint16]), st.integers(1, 40), st.integers(1, 300), st.integers(0, 2**32), st.data()
)
def test_it_equals_its_specification(dtype, rows, columns, seed, data):
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, np.iinfo(dtype).max, rows * columns, dtype, endpoint=True)
    turns = rng.integers(0, columns, rows, np.uint32)
    first = data.draw(st.integers(0, columns - 1))
    n_blocks = data.draw(st.integers(0, columns - first))
    found = deal(frame, turns, first, n_blocks)
    assert found.dtype == dtype
    assert np.array_equal(found, specification(frame, turns, first, n_blocks))


def test_every_sample_is_dealt_once():
    frame = np.arange(16 * 1000, dtype=np.uint16)
    blocks = deal(frame, np.random.default_rng(1).integers(0, 1000, 16, np.uint32), 0, 1000)
    assert np.array_equal(np.sort(blocks.ravel()), frame)
    assert np.array_equal(np.sort(blocks[:, 3]), frame[3000:4000])


@pytest.mark.parametrize(
    ("frame", "turns", "first", "n_blocks", "named"),
    [
        (np.zeros(12, np.int64), np.zeros(3, np.uint32), 0, 4, "frame"),
        (np.zeros(13, np.uint8), np.zeros(3, np.uint32), 0, 4, "turns"),
        (np.zeros(12, np.uint8), np.zeros(3, np.int64), 0, 4, "turns"),
        (np.zeros(12, np.uint8), np.full(3, 4, np.uint32), 0, 4, "turns"),
        (np.zeros(12, np.uint8), np.zeros(3, np.uint32), 2, 3, "n_blocks"),
        (np.zeros(12, np.uint8), np.zeros(3, np.uint32), -1, 1, "first"),
    ],
)
def test_what_does_not_fit_is_named(frame, turns, first, n_blocks, named):
    with pytest.raises(ParameterError, match=named):
        deal(frame, turns, first, n_blocks)
