"""The length of what bzip2 makes: kernel and library agree to the octet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.kernels.bzip2_length import bzip2_length
from haris.kernels.reference_bzip2_length import bzip2_length as specification
from haris.nouns.errors import ParameterError


@given(st.lists(st.integers(0, 255), min_size=1, max_size=400))
def test_any_samples(values):
    values = np.array(values, np.uint8)
    assert bzip2_length(values) == specification(values)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20_000), st.integers(1, 256), st.floats(0.1, 4.0))
def test_all_kinds_of_alphabets(seed, n, n_symbols, skew):
    rng = np.random.default_rng(seed)
    alphabet = rng.choice(256, n_symbols, replace=False)
    values = alphabet[(n_symbols * rng.random(n) ** skew).astype(int)].astype(np.uint8)
    assert bzip2_length(values) == specification(values)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=9), st.integers(1, 3000), st.integers(0, 5))
def test_repeating_samples(period, times, extra):
    values = np.array(period * times + period[:extra], np.uint8)
    assert bzip2_length(values) == specification(values)


@pytest.mark.parametrize("n_symbols", [2, 3, 16, 112, 256])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_several_blocks(n_symbols, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, n_symbols, 400_000 + seed).astype(np.uint8)
    assert bzip2_length(values) == specification(values)


def test_long_repeats_across_blocks():
    half = np.random.default_rng(4).integers(0, 256, 150_000).astype(np.uint8)
    for values in (np.tile(half, 2), np.zeros(600_000, np.uint8), np.tile(np.array([111], np.uint8), 300_000)):
        assert bzip2_length(values) == specification(values)


def test_bad_values_are_refused():
    for values in (np.zeros(0, np.uint8), np.zeros(3, np.uint16), np.zeros((2, 2), np.uint8)):
        with pytest.raises(ParameterError, match="values are a row of uint8"):
            bzip2_length(values)
