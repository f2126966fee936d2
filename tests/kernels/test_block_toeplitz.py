"""The block-wise Toeplitz kernel, on every path of this processor, against its specification and the other kernel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels import toeplitz
from haris.kernels.block_toeplitz import MOST_BLOCK_BITS, BlockToeplitz, paths
from haris.kernels.reference_block_toeplitz import block_toeplitz
from haris.nouns.errors import ParameterError

SIZES = [(512, 512), (513, 1), (1024, 512), (1536, 1536), (2048, 513), (4096, 2048), (4096, 4096), (4092, 2861)]
SIZES += [(3000, 1), (8192, 3000), (MOST_BLOCK_BITS, 40_000), (MOST_BLOCK_BITS, MOST_BLOCK_BITS)]


def octets(n_bits, draw):
    return np.random.default_rng(draw).integers(0, 256, -(-n_bits // 8), dtype=np.uint8)


@given(n=st.integers(1, 1500), share=st.floats(0, 1), n_blocks=st.integers(0, 9), draw=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_all_paths_equal_the_specification(n, share, n_blocks, draw):
    m = 1 + int(share * (n - 1))
    seed, blocks = octets(n + m - 1, draw), octets(n_blocks * n, draw + 1)
    wanted = block_toeplitz(blocks, n_blocks, seed, n, m)
    for path in paths():
        assert np.array_equal(BlockToeplitz(seed, n, m, path=path).hash(blocks, n_blocks), wanted)


@pytest.mark.parametrize("path", paths())
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_equals_the_transform_at_sizes_where_tiles_change(n, m, path):
    n_blocks = 3 if n > 8192 else 11
    seed, blocks = octets(n + m - 1, n), octets(n_blocks * n, m)
    bits = np.unpackbits(blocks, count=n_blocks * n, bitorder="little").reshape(n_blocks, n)
    hashes = [
        np.unpackbits(
            toeplitz.toeplitz_packed(np.packbits(row, bitorder="little"), n, seed, m), count=m, bitorder="little"
        )
        for row in bits
    ]
    wanted = np.packbits(np.concatenate(hashes), bitorder="little")
    assert np.array_equal(BlockToeplitz(seed, n, m, path=path).hash(blocks, n_blocks), wanted)


@pytest.mark.parametrize("path", paths())
def test_each_bit_of_the_block_has_its_own_column(path):
    # A block with one bit set gives a window of the seed: the matrix itself, column by column.
    n, m = 4096, 2048
    seed = octets(n + m - 1, 5)
    seed_bits = np.unpackbits(seed, count=n + m - 1, bitorder="little")
    identity = np.packbits(np.eye(n, dtype=np.uint8), axis=1, bitorder="little").ravel()
    columns = BlockToeplitz(seed, n, m, path=path).hash(identity, n)
    columns = np.unpackbits(columns, bitorder="little").reshape(n, m)
    for j in range(n):
        assert np.array_equal(columns[j], seed_bits[n - 1 - j : n - 1 - j + m])


@given(draw=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_the_hash_is_linear(draw):
    n, m, n_blocks = 4096, 2048, 4
    matrix = BlockToeplitz(octets(n + m - 1, draw), n, m)
    a, b = octets(n * n_blocks, draw + 1), octets(n * n_blocks, draw + 2)
    assert np.array_equal(matrix.hash(a ^ b, n_blocks), matrix.hash(a, n_blocks) ^ matrix.hash(b, n_blocks))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ParameterError, match="length_bits must be"):
        BlockToeplitz(octets(20, 1), 10, 11)
    with pytest.raises(ParameterError, match="n_bits up to"):
        BlockToeplitz(octets(MOST_BLOCK_BITS + 1, 1), MOST_BLOCK_BITS + 1, 1)
    with pytest.raises(ParameterError, match="seed must have 2 octets for 14 bits, got 3"):
        BlockToeplitz(octets(20, 1), 10, 5)
    with pytest.raises(ParameterError, match="one row of uint8"):
        BlockToeplitz(np.zeros((2, 1), np.uint8), 10, 5)
    with pytest.raises(ParameterError, match="path must be"):
        BlockToeplitz(octets(14, 1), 10, 5, path="abacus")
    matrix = BlockToeplitz(octets(14, 1), 10, 5)
    with pytest.raises(ParameterError, match="blocks must have 3 octets for 20 bits, got 2"):
        matrix.hash(octets(16, 1), 2)
    with pytest.raises(ParameterError, match="n_blocks"):
        matrix.hash(octets(16, 1), -1)
