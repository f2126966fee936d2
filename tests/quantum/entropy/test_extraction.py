"""Extraction against the plain hash, the theorem that it rests on, and the sum of errors."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels import toeplitz
from haris.kernels.reference_block_toeplitz import block_toeplitz
from haris.nouns.errors import ParameterError
from haris.quantum.entropy.certificate import YEAR_S, certificate
from haris.quantum.entropy.extraction import Extractor, certified_extractor, seed_octets, summed_epsilon
from haris.quantum.entropy.source import EntropySource, Extraction
from haris.quantum.entropy.vacuum import VACUUM, VacuumFluctuations


def octets(n_bits, draw):
    return np.random.default_rng(draw).integers(0, 256, -(-n_bits // 8), dtype=np.uint8)


@given(n=st.integers(1, 800), share=st.floats(0, 1), n_blocks=st.integers(0, 5), draw=st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_blocks_are_hashed_one_by_one(n, share, n_blocks, draw):
    m = 1 + int(share * (n - 1))
    seed, raw = octets(n + m - 1, draw), octets(n * n_blocks, draw + 1)
    found = Extractor(n, m, seed).extract(raw, n_blocks)
    assert np.array_equal(found, block_toeplitz(raw, n_blocks, seed, n, m))


@pytest.mark.parametrize(("n", "m"), [(70_000, 35_000), (70_001, 3), (65_537, 40_001)])
def test_long_blocks_are_hashed_alike(n, m):
    seed, raw = octets(n + m - 1, n), octets(3 * n, m)
    bits = np.unpackbits(raw, count=3 * n, bitorder="little").reshape(3, n)
    seed_bits = np.unpackbits(seed, count=n + m - 1, bitorder="little")
    wanted = np.concatenate([toeplitz.toeplitz(row, seed_bits, m) for row in bits])
    assert np.array_equal(Extractor(n, m, seed).extract(raw, 3), np.packbits(wanted, bitorder="little"))


def test_two_blocks_collide_for_one_seed_in_two_to_the_length():
    # Two-universal by all seeds: the share of seeds on which two blocks collide is 2^-m exactly.
    n, m = 5, 3
    seeds = [np.packbits(bits, bitorder="little") for bits in itertools.product((0, 1), repeat=n + m - 1)]
    blocks = np.arange(2**n, dtype=np.uint8)
    hashes = np.array([[Extractor(n, m, seed).extract(blocks[k : k + 1], 1)[0] for k in range(2**n)] for seed in seeds])
    for a, b in itertools.combinations(range(2**n), 2):
        assert np.mean(hashes[:, a] == hashes[:, b]) == 2.0**-m


def test_the_leftover_hash_lemma_holds_for_a_flat_source():
    # Uniform over 2^k of 2^n values: the mean distance from uniform over all seeds is at most half of 2^((m - k)/2).
    n, m, k = 8, 2, 6
    values = np.sort(np.random.default_rng(3).choice(2**n, 2**k, replace=False)).astype(np.uint8)
    distances = []
    for number in range(2 ** (n + m - 1)):
        extractor = Extractor(n, m, np.array([number & 0xFF, number >> 8], np.uint8))
        hashed = np.array([extractor.extract(values[i : i + 1], 1)[0] for i in range(2**k)])
        distances.append(0.5 * np.abs(np.bincount(hashed, minlength=2**m) / 2**k - 2.0**-m).sum())
    assert 0.0 < np.mean(distances) <= 0.5 * 2.0 ** ((m - k) / 2)


def test_a_year_of_blocks_adds_up():
    parameters = VacuumFluctuations(
        adc_bits=8, range_v=1.0, clock_hz=1e9, signal_rms_v=0.2, dark_rms_v=0.05, calibration_samples=10**8
    )
    found = certificate(EntropySource(VACUUM, parameters, Extraction()))
    assert summed_epsilon(found.epsilon, found.blocks_hz * YEAR_S) == found.epsilon_year < 1e-15
    assert summed_epsilon(1e-30, 1e10, 1e-12) == pytest.approx(1e-12 + 1e-20)
    assert summed_epsilon(0.1, 100) == 1.0
    extractor = certified_extractor(found, octets(found.raw_bits + found.out_bits - 1, 1))
    assert (extractor.n_in, extractor.n_out) == (4096, found.out_bits)
    assert found.out_bits > 0


def test_what_does_not_fit_is_refused():
    with pytest.raises(ParameterError, match="n_out must be 1 to n_in = 8"):
        Extractor(8, 9, bytes(2))
    with pytest.raises(ParameterError, match="n_in must be"):
        Extractor(0, 1, b"")
    with pytest.raises(ParameterError, match="seed must have 2 octets, got 1"):
        Extractor(8, 8, bytes(1))
    long = Extractor(70_000, 10, bytes(seed_octets(70_000, 10)))
    with pytest.raises(ParameterError, match="raw must have 17500 octets for 2 blocks, got 3"):
        long.extract(np.zeros(3, np.uint8), 2)
    with pytest.raises(ParameterError, match="blocks must have"):
        Extractor(80, 10, bytes(12)).extract(np.zeros(3, np.uint8), 2)
    with pytest.raises(ParameterError, match="epsilon_block"):
        summed_epsilon(2.0, 1)
