"""The predictors of SP 800-90B: kernels and specifications agree, also where dictionaries are full."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.kernels import predictors, reference_predictors
from haris.nouns.errors import ParameterError

NAMES = ("predict_mcw", "predict_lag", "predict_mmc", "predict_lz78y")


def same(name: str, symbols: np.ndarray, n_symbols: int) -> None:
    kernel, specification = getattr(predictors, name), getattr(reference_predictors, name)
    assert kernel(symbols, n_symbols) == specification(symbols, n_symbols)


def sticky(seed: int, n: int, n_symbols: int, kept: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = np.maximum.accumulate(np.where(rng.random(n) >= kept, np.arange(n), 0))
    return rng.integers(0, n_symbols, n, np.uint8)[drawn]


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(0, 2**32 - 1), st.integers(0, 400), st.sampled_from([2, 3, 4, 16, 256]), st.floats(0, 0.95))
def test_short_rows(name, seed, n, n_symbols, kept):
    same(name, sticky(seed, n, n_symbols, kept), n_symbols)


@pytest.mark.parametrize("n_symbols", [2, 3, 16])
@pytest.mark.parametrize("name", NAMES)
def test_long_rows_with_every_window_and_lag(name, n_symbols):
    same(name, sticky(3, 6000, n_symbols, 0.3), n_symbols)


def test_full_dictionaries():
    """65 536 contexts of LZ78Y, bits and octets. 100 000 pairs of MultiMMC: the reference sets fill them."""
    same("predict_lz78y", sticky(4, 12_000, 256, 0.2), 256)
    same("predict_lz78y", sticky(5, 30_000, 2, 0.0), 2)


@given(st.lists(st.integers(0, 1), max_size=60))
def test_collision_times(bits):
    row = np.array(bits, np.uint8)
    assert predictors.collision_times(row) == reference_predictors.collision_times(row)


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_fit_is_refused(name):
    for symbols, n_symbols in [
        (np.array([0, 2], np.uint8), 2),
        (np.array([0, 1], np.uint8), 1),
        (np.array([0, 1], np.uint8), 257),
        (np.array([0, 1], np.int64), 2),
        (np.zeros((2, 2), np.uint8), 2),
    ]:
        with pytest.raises(ParameterError):
            getattr(predictors, name)(symbols, n_symbols)
