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
