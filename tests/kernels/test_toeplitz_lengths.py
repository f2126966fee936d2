"""The Toeplitz kernel where the shape of its transform changes, and at the greatest lengths."""

import numpy as np
import pytest
from toeplitz_windows import assert_every_bit, assert_rows, octets, window, with_ones

from haris.kernels.toeplitz import MOST_BITS, paths, toeplitz_packed

PATHS = pytest.mark.parametrize("path", paths())
UNIT = 256 * 64
"""Octets of a unit of 256 rows of 64 octets."""


@PATHS
@pytest.mark.parametrize("units", [1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15, 16, 17, 21, 31, 33])
def test_transforms_of_any_number_of_units_give_every_bit(units, path):
    # Truncated transforms have a case for each bit of the number of units; octets of key, of result and two more fill
    # so many units but for one octet, or one octet too much.
    for spare in (1, -1) if path != "portable" or units < 6 else (1,):
        total = units * UNIT - spare
        m = 8 * (total // 3)
        assert_every_bit(8 * (total - 1) - m, m, path)


@pytest.mark.parametrize("off", [-8, -1, 0, 1, 8])
def test_few_rows_in_eighths_give_every_bit(off):
    for eighths in (5, 6, 7, 8):
        for rows in (8, 16, 32, 64, 128, 256):
            total = rows * eighths // 8 * 512 + off
            assert_every_bit(total - total // 3, total // 3)


@pytest.mark.parametrize("m_share", [1, 10**5])
def test_a_key_much_longer_than_its_hash(m_share):
    n = 2_000_003
    assert_every_bit(n, max(1, n // m_share))


@pytest.mark.trial
@pytest.mark.parametrize("path", [path for path in paths() if path != "portable"])
@pytest.mark.parametrize("n", [60_000_000, 80_000_000, 100_000_000, 130_000_000, 170_000_000, 260_000_000])
def test_rows_of_every_number_of_words_give_every_bit(n, path):
    # 3, 4, 5, 6, 8 and 12 words; rows of one and two are in shorter tests, of 20 in the next.
    assert_every_bit(n, n // 2, path)


@pytest.mark.trial
def test_the_longest_keys_are_hashed():
    # 2^28 bits to 2^28: the seed's bit n - 1 + i - j alone meets key bit j in hash bit i.
    n = m = MOST_BITS
    seed = octets(n + m - 1, 28)
    for j in (0, n - 1, 123_456_789):
        assert np.array_equal(toeplitz_packed(with_ones(n, [j]), n, seed, m), window(seed, n - 1 - j, m))


@pytest.mark.trial
def test_a_hundred_million_bits_are_the_same_on_every_path():
    # Rows of the matrix at random and where units of rows meet; then every bit, of all paths alike.
    n, m = 100_000_000, 50_000_000
    meeting = [8 * 5 * UNIT * unit + off for unit in (1, 2, 3, 50, 76) for off in (-9, -8, -1, 0, 1, 7, 8)]
    rows = [0, 1, m - 1, *meeting, *np.random.default_rng(27).integers(0, m, 20)]
    hashes = [assert_rows(n, m, rows, path) for path in paths()]
    for path, result in zip(paths(), hashes, strict=True):
        assert np.array_equal(result, hashes[-1]), path
    assert_every_bit(n, m, "portable")
