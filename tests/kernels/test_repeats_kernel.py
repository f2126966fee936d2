"""Repeated tuples: kernel and specification agree, on data that repeat a little, and that repeat all the way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.kernels import reference_repeats, repeats
from haris.nouns.errors import ParameterError


def same(symbols: np.ndarray, width: int) -> None:
    ours, theirs = repeats.tuple_repeats(symbols, width), reference_repeats.tuple_repeats(symbols, width)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@given(st.data(), st.integers(1, 8), st.integers(1, 150))
def test_random_symbols(data, width, n):
    top = data.draw(st.integers(0, (1 << width) - 1))
    same(np.array(data.draw(st.lists(st.integers(0, top), min_size=n, max_size=n)), np.uint8), width)


@given(st.integers(1, 8), st.integers(1, 60), st.integers(2, 5), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_copied_blocks(width, block, copies, tail, seed):
    """Repeats that are longer than a key of 64 bits."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 1 << width, block + tail, np.uint8)
    same(np.concatenate([np.tile(drawn[:block], copies), drawn[block:]]), width)


@pytest.mark.parametrize("n", [1, 2, 3, 63, 64, 65, 200])
def test_one_symbol_alone(n):
    same(np.zeros(n, np.uint8), 1)
    same(np.full(n, 255, np.uint8), 8)


def test_a_long_period_does_not_take_long():
    most, pairs = repeats.tuple_repeats(np.zeros(200_000, np.uint8), 1)
    np.testing.assert_array_equal(most, np.arange(200_000, 1, -1))
    assert pairs[0] == 200_000 * 199_999 // 2


@pytest.mark.parametrize(
    ("symbols", "width"),
    [
        (np.array([0, 2], np.uint8), 1),
        (np.array([0, 1], np.uint8), 9),
        (np.array([0, 1], np.int64), 1),
        (np.zeros((2, 2), np.uint8), 1),
        (np.empty(0, np.uint8), 1),
    ],
)
def test_what_does_not_fit_is_refused(symbols, width):
    with pytest.raises(ParameterError):
        repeats.tuple_repeats(symbols, width)
