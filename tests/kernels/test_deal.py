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
    last = data.draw(st.integers(1, np.iinfo(dtype).max))
    frame = rng.integers(1, max(2, last - data.draw(st.integers(0, 1))), rows * columns, dtype, endpoint=True)
    frame[rng.random(len(frame)) < data.draw(st.sampled_from([0.0, 1e-3]))] = data.draw(st.sampled_from([0, last]))
    turns = rng.integers(0, columns, rows, np.uint32)
    first = data.draw(st.integers(0, columns - 1))
    n_blocks = data.draw(st.integers(0, columns - first))
    found, ends = deal(frame, turns, first, n_blocks, last)
    expected, expected_ends = specification(frame, turns, first, n_blocks, last)
    assert found.dtype == dtype
    assert np.array_equal(found, expected)
    assert ends == expected_ends


def test_every_sample_is_dealt_once():
    frame = np.arange(16 * 1000, dtype=np.uint16)
    blocks, ends = deal(frame, np.random.default_rng(1).integers(0, 1000, 16, np.uint32), 0, 1000, 2**16 - 1)
    assert ends
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
        deal(frame, turns, first, n_blocks, 255)


def test_an_end_of_the_range_that_no_sample_can_be_is_named():
    with pytest.raises(ParameterError, match="last"):
        deal(np.zeros(12, np.uint8), np.zeros(3, np.uint32), 0, 4, 256)
