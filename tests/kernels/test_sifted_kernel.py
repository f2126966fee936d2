"""Sifting on packed bits is its specification, and the checksum is zlib's."""

from dataclasses import fields
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels import checksum, reference_sifted, sifted
from haris.nouns.errors import ParameterError

KEY = bytes(range(32))


def packed(bits):
    return np.packbits(bits, bitorder="little")


def assert_same(ours, theirs):
    for field in fields(ours):
        assert np.array_equal(getattr(ours, field.name), getattr(theirs, field.name)), field.name


def received_of(n, sent, basis, bit):
    return (packed(basis), packed(bit), n, sent.kept, sent.intensities, sent.test_bits)


@given(
    n=st.one_of(st.integers(0, 300), st.sampled_from([63, 64, 65, 128, 1000])),
    p_key=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    k=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=150, deadline=None)
def test_both_ends_sift_as_in_the_specification(n, p_key, k, seed):
    rng = np.random.default_rng(seed)
    pulse = np.cumsum(rng.integers(1, 50, n))
    basis, bit = (rng.random(n) >= p_key).astype(np.uint8), rng.integers(0, 2, n, dtype=np.uint8)
    arguments = (pulse, packed(basis), KEY, 2**40, p_key, (1.0 / k,) * k)
    sent = sifted.sift_keyed(*arguments)
    for ours in (sent, sifted.sift_keyed(*arguments, portable=True)):
        assert_same(ours, reference_sifted.sift_keyed(*arguments))
    told = received_of(n, sent, basis, bit)
    for ours in (sifted.sift_received(*told), sifted.sift_received(*told, portable=True)):
        assert_same(ours, reference_sifted.sift_received(*told))

    n_pulses = int(pulse[-1]) + 1 if n else 1
    settings = rng.integers(0, 4 * k, n_pulses, dtype=np.uint8)
    arguments = (pulse, packed(basis), settings)
    sent = sifted.sift_recorded(*arguments)
    for ours in (sent, sifted.sift_recorded(*arguments, portable=True)):
        assert_same(ours, reference_sifted.sift_recorded(*arguments))
    told = received_of(n, sent, basis, bit)
    assert_same(sifted.sift_received(*told), reference_sifted.sift_received(*told))


def test_what_does_not_fit_is_refused():
    pulse, basis = np.array([3, 5, 9]), np.array([0b010], np.uint8)
    row = np.zeros(10, np.uint8)
    for arguments in (
        (pulse.astype(np.int32), basis, row),
        (pulse, np.array([0b1010], np.uint8), row),
        (pulse, np.zeros(2, np.uint8), row),
        (pulse, basis, row.astype(np.int64)),
        (pulse, basis, row[:9]),
        (pulse - 4, basis, row),
    ):
        with pytest.raises(ParameterError):
            sifted.sift_recorded(*arguments)
    for start, keyed in ((-1, pulse), (0, pulse - 4)):
        with pytest.raises(ParameterError):
            sifted.sift_keyed(keyed, basis, KEY, start, 0.5, (1.0,))
    good = [basis, basis, 3, np.array([0b011], np.uint8), np.array([0b1001], np.uint8), np.array([1], np.uint8)]
    assert sifted.sift_received(*good).clicks.tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]
    for at, wrong in ((3, [0b1011]), (3, [0b111]), (4, [0b11001]), (4, [1, 0]), (5, []), (5, [2])):
        bad = good.copy()
        bad[at] = np.array(wrong, np.uint8)
        if at == 3 and wrong == [0b111]:
            bad[4] = np.array([0b1001, 1], np.uint8)
        with pytest.raises(ParameterError):
            sifted.sift_received(*bad)


@given(octets=st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_the_checksum_is_zlibs(octets):
    for portable in (False, True):
        assert checksum.crc32(octets, portable=portable) == crc32(octets)


def test_the_checksum_of_every_length_is_zlibs():
    octets = np.random.default_rng(5).bytes(1 << 16)
    for size in (*range(200), 4095, 65_521, 1 << 16):
        for portable in (False, True):
            assert checksum.crc32(octets[:size], portable=portable) == crc32(octets[:size])
    assert checksum.crc32(b"123456789") == 0xCBF43926  # the check value of the catalogue of CRCs
