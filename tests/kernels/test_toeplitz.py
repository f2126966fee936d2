"""The Toeplitz kernel against its specification, the naive matrix and an independent big product."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import toeplitz as toeplitz_matrix
from scipy.signal import fftconvolve

from haris.kernels import reference
from haris.kernels.toeplitz import toeplitz, toeplitz_packed
from haris.nouns.errors import ParameterError

PATHS = pytest.mark.parametrize("portable", [False, True])


def bits(n, seed=20):
    return np.random.default_rng(seed).integers(0, 2, n, dtype=np.uint8)


@given(n=st.integers(1, 3000), share=st.floats(0, 1), draw=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_both_paths_equal_the_specification(n, share, draw):
    m = 1 + int(share * (n - 1))
    key, seed = bits(n, draw), bits(n + m - 1, draw + 1)
    wanted = reference.toeplitz(key, seed, m)
    assert np.array_equal(toeplitz(key, seed, m), wanted)
    assert np.array_equal(toeplitz(key, seed, m, portable=True), wanted)


@PATHS
@pytest.mark.parametrize(("n", "m"), [(64, 64), (1024, 1024), (1025, 511), (5000, 4097), (9000, 70)])
def test_equals_the_matrix_of_an_independent_library(n, m, portable):
    key, seed = bits(n), bits(n + m - 1, 21)
    matrix = toeplitz_matrix(seed[n - 1 :], seed[n - 1 :: -1])
    assert np.array_equal(toeplitz(key, seed, m, portable=portable), matrix.astype(np.int64) @ key & 1)


@PATHS
@pytest.mark.parametrize(("n", "m"), [(100_000, 50_000), (300_007, 299_999), (1_000_000, 500_000), (1 << 20, 77)])
def test_equals_a_floating_point_convolution(n, m, portable):
    # Sums of at most 1e6 ones in doubles: the FFT's rounding error stays near 1e-9, far from 1/2.
    key, seed = bits(n), bits(n + m - 1, 22)
    product = fftconvolve(seed.astype(float), key.astype(float), mode="valid")
    wanted = np.rint(product).astype(np.int64) & 1
    assert np.array_equal(toeplitz(key, seed, m, portable=portable), wanted)


def test_ten_million_bits_equal_single_rows_of_the_matrix():
    n, m = 10_000_000, 4_000_000
    key, seed = bits(n), bits(n + m - 1, 23)
    result = toeplitz(key, seed, m)
    for i in [0, 1, 63, 64, m // 2, m - 2, m - 1, *np.random.default_rng(24).integers(0, m, 20)]:
        assert result[i] == np.count_nonzero(seed[i : i + n] & key[::-1]) & 1


def test_packed_octets_give_the_same_and_zero_padding():
    n, m = 12_347, 3_001
    key, seed = bits(n), bits(n + m - 1, 25)
    packed = toeplitz_packed(np.packbits(key, bitorder="little"), n, np.packbits(seed, bitorder="little"), m)
    assert np.array_equal(np.unpackbits(packed, bitorder="little")[:m], toeplitz(key, seed, m))
    assert not np.unpackbits(packed, bitorder="little")[m:].any()


@pytest.mark.parametrize(("n", "seed_bits", "m"), [(10, 19, 11), (10, 9, 0), (10, 15, 5), (10, 13, 5), (0, 0, 1)])
def test_sizes_that_do_not_fit_are_refused(n, seed_bits, m):
    with pytest.raises(ParameterError):
        toeplitz(np.zeros(n, np.uint8), np.zeros(seed_bits, np.uint8), m)


def test_types_and_packed_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError):
        toeplitz(np.zeros(10, np.int64), np.zeros(14, np.uint8), 5)
    with pytest.raises(ParameterError):
        toeplitz_packed(np.zeros(3, np.uint8), 10, np.zeros(2, np.uint8), 5)
