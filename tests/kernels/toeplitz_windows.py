"""Toeplitz hashes that can be told without a product: of few ones, each adds a window of the other operand."""

import numpy as np

from haris.kernels.toeplitz import toeplitz_packed


def octets(n_bits, seed):
    drawn = np.random.default_rng(seed).integers(0, 256, -(-n_bits // 8), dtype=np.uint8)
    if n_bits % 8:
        drawn[-1] &= 0xFF >> -n_bits % 8
    return drawn


def window(packed, start, n_bits):
    """The n_bits from start on, packed anew."""
    taken = np.append(packed, np.uint8(0))[start // 8 : (start + n_bits + 7) // 8 + 1]
    shifted = (taken[:-1] >> start % 8) | (taken[1:] << np.uint8(8 - start % 8) if start % 8 else 0)
    shifted = shifted[: -(-n_bits // 8)].astype(np.uint8)
    if n_bits % 8:
        shifted[-1] &= 0xFF >> -n_bits % 8
    return shifted


def with_ones(n_bits, positions):
    packed = np.zeros(-(-n_bits // 8), np.uint8)
    np.bitwise_xor.at(packed, np.asarray(positions) // 8, (1 << (np.asarray(positions) % 8)).astype(np.uint8))
    return packed


def assert_every_bit(n, m, path=None):
    """A key of few ones adds as many windows of the seed; a seed of few ones adds windows of the reversed key."""
    rng = np.random.default_rng(n)
    ones = np.unique(np.r_[0, 1, n // 2, n - 1, rng.integers(0, n, 20)])
    seed = octets(n + m - 1, 23)
    wanted = np.zeros(-(-m // 8), np.uint8)
    for j in ones:
        wanted ^= window(seed, n - 1 - int(j), m)
    assert np.array_equal(toeplitz_packed(with_ones(n, ones), n, seed, m, path=path), wanted)
    ones = np.unique(np.r_[0, n - 1, n + m - 2, rng.integers(0, n + m - 1, 20)])
    key = octets(n, 24)
    padded = np.r_[np.zeros(m // 8 + 1, np.uint8), key, np.zeros(m // 8 + 2, np.uint8)]
    wanted = np.zeros(-(-m // 8), np.uint8)
    for p in ones:
        wanted ^= window(padded, n - 1 - int(p) + 8 * (m // 8 + 1), m)
    assert np.array_equal(toeplitz_packed(key, n, with_ones(n + m - 1, ones), m, path=path), wanted)


def assert_rows(n, m, rows, path=None):
    """Single rows of the matrix, for a key and a seed of as many ones as zeros."""
    key, seed = octets(n, 25), octets(n + m - 1, 26)
    result = toeplitz_packed(key, n, seed, m, path=path)
    backwards = np.packbits(np.unpackbits(key, count=n, bitorder="little")[::-1], bitorder="little")
    for i in rows:
        parity = np.bitwise_xor.reduce(window(seed, int(i), n) & backwards)
        assert result[i // 8] >> (i % 8) & 1 == int(parity).bit_count() & 1
    return result
