"""The Toeplitz kernels, on every path of this processor, against their specification and independent products."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import toeplitz as toeplitz_matrix
from scipy.signal import fftconvolve
from toeplitz_windows import assert_every_bit, assert_rows, octets

from haris.kernels import reference
from haris.kernels.toeplitz import (
    Workspace,
    modified_toeplitz,
    modified_toeplitz_packed,
    paths,
    toeplitz,
    toeplitz_packed,
)
from haris.nouns.errors import ParameterError

PATHS = pytest.mark.parametrize("path", paths())
ROWS = 64 * 8
"""Bits of key and hash that one row of the transform holds: where shapes change, they do so at multiples of this."""


def bits(n, seed=20):
    return np.random.default_rng(seed).integers(0, 2, n, dtype=np.uint8)


@given(n=st.integers(1, 3000), share=st.floats(0, 1), draw=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_all_paths_equal_the_specification(n, share, draw):
    m = 1 + int(share * (n - 1))
    key, seed, short = bits(n, draw), bits(n + m - 1, draw + 1), bits(n - 1, draw + 2)
    wanted, modified = reference.toeplitz(key, seed, m), reference.modified_toeplitz(key, short, m)
    for path in paths():
        assert np.array_equal(toeplitz(key, seed, m, path=path), wanted)
        assert np.array_equal(modified_toeplitz(key, short, m, path=path), modified)


@PATHS
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 63, 64, 65])
def test_the_shortest_keys_equal_the_specification_at_every_length(n, path):
    for m in range(1, n + 1):
        key, seed = bits(n, n), bits(n + m - 1, m)
        assert np.array_equal(toeplitz(key, seed, m, path=path), reference.toeplitz(key, seed, m))
        wanted = reference.modified_toeplitz(key, seed[: n - 1], m)
        assert np.array_equal(modified_toeplitz(key, seed[: n - 1], m, path=path), wanted)


@PATHS
@pytest.mark.parametrize("off", [-9, -8, -1, 0, 1, 8, 9])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 6, 12, 16, 24, 33])
def test_sizes_at_which_the_transform_grows_equal_the_specification(rows, off, path):
    total = rows * ROWS + off
    m = total // 3
    key, seed = bits(total - m, rows), bits(total - 1, off + 50)
    assert np.array_equal(toeplitz(key, seed, m, path=path), reference.toeplitz(key, seed, m))


@PATHS
@pytest.mark.parametrize(("n", "m"), [(64, 64), (1024, 1024), (1025, 511), (5000, 4097), (9000, 70)])
def test_equals_the_matrix_of_an_independent_library(n, m, path):
    key, seed = bits(n), bits(n + m - 1, 21)
    matrix = toeplitz_matrix(seed[n - 1 :], seed[n - 1 :: -1])
    assert np.array_equal(toeplitz(key, seed, m, path=path), matrix.astype(np.int64) @ key & 1)


@PATHS
@pytest.mark.parametrize(("n", "m"), [(100_000, 50_000), (300_007, 299_999), (1_000_000, 500_000), (1 << 20, 77)])
def test_equals_a_floating_point_convolution(n, m, path):
    # Sums of at most 1e6 ones in doubles: the FFT's rounding error stays near 1e-9, far from 1/2.
    key, seed = bits(n), bits(n + m - 1, 22)
    product = fftconvolve(seed.astype(float), key.astype(float), mode="valid")
    wanted = np.rint(product).astype(np.int64) & 1
    assert np.array_equal(toeplitz(key, seed, m, path=path), wanted)


@pytest.mark.parametrize("path", [path for path in paths() if path != "portable"])
@pytest.mark.parametrize(("n", "m"), [(10_000_000, 4_000_001), (22_369_000, 11_184_000), (30_000_001, 29_999_990)])
def test_long_keys_give_every_bit_of_sums_of_few_windows(n, m, path):
    # An error of overflow would show in long ones only.
    assert_every_bit(n, m, path)


def test_long_keys_equal_single_rows_of_the_matrix():
    n, m = 10_000_000, 5_000_000
    assert_rows(n, m, [0, 1, 511, 512, m // 2, m - 1, *np.random.default_rng(27).integers(0, m, 10)])


@given(n=st.integers(1, 2000), share=st.floats(0, 1), draw=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_packed_octets_equal_their_specification(n, share, draw):
    # Whatever lies behind the last bits of key and seed.
    m = 1 + int(share * (n - 1))
    rng = np.random.default_rng(draw)
    key, seed, short = (rng.integers(0, 256, -(-size // 8), dtype=np.uint8) for size in (n, n + m - 1, n - 1))
    wanted = reference.toeplitz_packed(key, n, seed, m)
    modified = reference.modified_toeplitz_packed(key, n, short, m)
    for path in paths():
        assert np.array_equal(toeplitz_packed(key, n, seed, m, path=path), wanted)
        assert np.array_equal(modified_toeplitz_packed(key, n, short, m, path=path), modified)


@PATHS
def test_a_workspace_serves_hashes_of_any_sizes_and_keeps_nothing_of_them(path):
    workspace = Workspace()
    with workspace as held:
        held.octets(2_000_000)[:] = 0  # what lies between units of rows is not written, and so not wiped
    for n, m in ((300_000, 100_001), (70, 3), (1_000_001, 600_000), (40_000, 40_000)):
        key, seed = octets(n, n), octets(n + m - 1, m)
        wanted = toeplitz_packed(key, n, seed, m)
        assert np.array_equal(toeplitz_packed(key, n, seed, m, path=path, workspace=workspace), wanted)
        assert not workspace.octets(0).any()


def test_a_workspace_that_is_in_use_is_refused():
    workspace = Workspace()
    key, seed = np.zeros(2, np.uint8), np.zeros(2, np.uint8)
    with workspace, pytest.raises(ParameterError, match="serves another hash"):
        toeplitz_packed(key, 10, seed, 5, workspace=workspace)
    assert not toeplitz_packed(key, 10, seed, 5, workspace=workspace).any()


@PATHS
def test_packed_octets_give_the_same_and_zero_padding(path):
    n, m = 12_347, 3_001
    key, seed = bits(n), bits(n + m - 1, 25)
    for hashed, packed, size in (
        (toeplitz, toeplitz_packed, n + m - 1),
        (modified_toeplitz, modified_toeplitz_packed, n - 1),
    ):
        octets_of_seed = np.packbits(seed[:size], bitorder="little")
        result = packed(np.packbits(key, bitorder="little"), n, octets_of_seed, m, path=path)
        assert np.array_equal(np.unpackbits(result, bitorder="little")[:m], hashed(key, seed[:size], m, path=path))
        assert not np.unpackbits(result, bitorder="little")[m:].any()


@PATHS
def test_what_lies_behind_the_last_bit_is_of_no_account(path):
    n, m = 1_003, 333
    key, seed = octets(n, 29), octets(n + m - 1, 30)
    dirty_key, dirty_seed = key.copy(), seed.copy()
    dirty_key[-1] |= 0xF8
    dirty_seed[-1] |= 0x80
    wanted = toeplitz_packed(key, n, seed, m, path=path)
    assert np.array_equal(toeplitz_packed(dirty_key, n, dirty_seed, m, path=path), wanted)


@pytest.mark.parametrize(
    ("n", "seed_bits", "m", "said"),
    [
        (10, 19, 11, "length_bits must be 1 to 10, the bits of the key, got 11"),
        (10, 9, 0, "length_bits must be 1 to 10, the bits of the key, got 0"),
        (10, 15, 5, "seed must have 14 bits, got 15"),
        (10, 13, 5, "seed must have 14 bits, got 13"),
        (0, 0, 1, "key must have 1 to 268435456 bits, got 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(n, seed_bits, m, said):
    with pytest.raises(ParameterError, match=said):
        toeplitz(np.zeros(n, np.uint8), np.zeros(seed_bits, np.uint8), m)


def test_a_seed_of_the_other_hash_is_refused():
    with pytest.raises(ParameterError, match="seed must have 9 bits, got 14"):
        modified_toeplitz(np.zeros(10, np.uint8), np.zeros(14, np.uint8), 5)
    with pytest.raises(ParameterError, match="length_bits must be 1 to 10, the bits of the key, got 11"):
        modified_toeplitz(np.zeros(10, np.uint8), np.zeros(9, np.uint8), 11)


def test_types_packed_sizes_and_paths_that_do_not_fit_are_refused():
    key, seed = np.zeros(2, np.uint8), np.zeros(2, np.uint8)
    with pytest.raises(ParameterError, match="key must be one row of uint8, got int64"):
        toeplitz(np.zeros(10, np.int64), np.zeros(14, np.uint8), 5)
    with pytest.raises(ParameterError, match="key must be one row of uint8, got int64"):
        toeplitz_packed(key.astype(np.int64), 10, seed, 5)
    with pytest.raises(ParameterError, match="key must have 2 octets for 10 bits, got 3"):
        toeplitz_packed(np.zeros(3, np.uint8), 10, seed, 5)
    with pytest.raises(ParameterError, match="seed must have 2 octets for 14 bits, got 1"):
        toeplitz_packed(key, 10, seed[:1], 5)
    with pytest.raises(ParameterError, match="seed must have 2 octets for 9 bits, got 1"):
        modified_toeplitz_packed(key, 10, seed[:1], 10)
    with pytest.raises(ParameterError, match="key must have 1 to 268435456 bits, got 268435457"):
        toeplitz_packed(key, 2**28 + 1, seed, 5)
    with pytest.raises(ParameterError, match=r"path must be one of .*portable on this processor, got abacus"):
        toeplitz_packed(key, 10, seed, 5, path="abacus")
