"""Statistics of the permutation tests: kernel and specification agree, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.kernels import permutation_statistics as kernel
from haris.kernels import reference_permutation_statistics as specification
from haris.nouns.errors import ParameterError

ALL = (1 << kernel.N_STATISTICS) - 1


@given(st.integers(0, 2**32 - 1), st.integers(2, 400), st.sampled_from([2, 3, 16, 256]), st.integers(0, ALL))
def test_both_agree(seed, n, n_symbols, wanted):
    rng = np.random.default_rng(seed)
    symbols = rng.integers(0, n_symbols, n, np.uint8)
    values = np.sort(rng.choice(256, n_symbols, replace=False)).astype(np.uint8)[symbols]
    given_ = (values, symbols, n_symbols, float(values.mean()), 0.5 if n_symbols == 2 else float(np.median(symbols)))
    for bits in (wanted, ALL):
        np.testing.assert_array_equal(
            kernel.permutation_statistics(*given_, bits), specification.permutation_statistics(*given_, bits)
        )


@pytest.mark.parametrize(
    ("values", "symbols", "n_symbols"),
    [([0, 1], [0, 2], 2), ([0, 1, 1], [0, 1], 2), ([0], [0], 2), ([0, 1], [0, 1], 1), ([0, 1], [0, 1], 257)],
)
def test_what_does_not_fit_is_refused(values, symbols, n_symbols):
    rows = (np.array(values, np.uint8), np.array(symbols, np.uint8))
    with pytest.raises(ParameterError):
        kernel.permutation_statistics(*rows, n_symbols, 0.5, 0.5, ALL)


@given(st.integers(0, 2**32 - 1), st.integers(0, 300))
def test_both_shuffle_alike(seed, n):
    rng = np.random.default_rng(seed)
    ours = rng.integers(0, 256, n, np.uint8)
    theirs, words = ours.copy(), rng.bit_generator.random_raw(n)
    kernel.shuffle(ours, words)
    specification.shuffle(theirs, words)
    np.testing.assert_array_equal(ours, theirs)


def test_every_order_is_as_likely():
    """24 orders in 24 000 shuffles: chi-square of 23 degrees above 49.7 with a probability of 0.1 %."""
    rng = np.random.default_rng(11)
    seen: dict[bytes, int] = {}
    for _ in range(24_000):
        values = np.arange(4, dtype=np.uint8)
        kernel.shuffle(values, rng.bit_generator.random_raw(4))
        seen[values.tobytes()] = seen.get(values.tobytes(), 0) + 1
    assert len(seen) == 24
    assert sum((n - 1000) ** 2 / 1000 for n in seen.values()) < 49.7


def test_a_shuffle_of_another_length_is_refused():
    with pytest.raises(ParameterError):
        kernel.shuffle(np.zeros(3, np.uint8), np.zeros(2, np.uint64))
    with pytest.raises(ParameterError):
        kernel.shuffle(np.zeros(6, np.uint8)[::2], np.zeros(3, np.uint64))
