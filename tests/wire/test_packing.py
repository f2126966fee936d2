"""Packed arrays come back, and nothing else than what was packed is taken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import PeerError
from haris.wire.packing import MAXIMUM_NUMBER, pack_ascending, pack_bits, unpack_ascending, unpack_bits

ascending = st.lists(st.integers(0, MAXIMUM_NUMBER - 1), unique=True, max_size=60).map(sorted)


def leb128(number):
    """One number by the definition, octet by octet."""
    octets = []
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])


@given(st.lists(st.integers(0, 1), max_size=200))
def test_bits_come_back(bits):
    array = np.array(bits, np.uint8)
    octets = pack_bits(array)
    assert np.array_equal(unpack_bits(octets, len(bits)), array)
    assert octets == sum(b << i for i, b in enumerate(bits)).to_bytes(-(-len(bits) // 8), "little")


@given(ascending)
@settings(deadline=None)
def test_ascending_numbers_come_back(numbers):
    array = np.array(numbers, np.int64)
    octets = pack_ascending(array)
    gaps = [b - a - 1 for a, b in zip([-1, *numbers], numbers, strict=False)]
    assert octets == b"".join(map(leb128, gaps))
    assert np.array_equal(unpack_ascending(octets, len(numbers), MAXIMUM_NUMBER), array)


@given(octets=st.binary(max_size=60), count=st.integers(0, 60), below=st.integers(1, MAXIMUM_NUMBER))
@settings(max_examples=400, deadline=None)
def test_whatever_is_taken_is_ascending_below_the_limit_and_canonical(octets, count, below):
    try:
        numbers = unpack_ascending(octets, count, below)
    except PeerError:
        return
    assert len(numbers) == count
    assert np.all(np.diff(numbers, prepend=-1) > 0)
    assert count == 0 or numbers[-1] < below
    assert pack_ascending(numbers) == octets


@pytest.mark.parametrize(
    ("octets", "count", "below"),
    [
        (b"\x05", 1, 5),  # at the limit
        (b"\x80\x00", 1, 9),  # a longer form of 0
        (b"\x85", 1, 9),  # cut off
        (b"\x01\x85", 1, 9),  # a good number, then one cut off
        (b"\x00", 2, 9),  # fewer than announced
        (b"\xff" * 8 + b"\x01", 1, MAXIMUM_NUMBER),  # wider than any number
        ((b"\xff" * 5 + b"\x7f") * 4_200_000, 4_200_000, MAXIMUM_NUMBER),  # gaps whose sum wraps 64 bits
    ],
)
def test_wrong_numbers_are_refused(octets, count, below):
    with pytest.raises(PeerError):
        unpack_ascending(octets, count, below)


@pytest.mark.parametrize(("octets", "n_bits"), [(b"", 1), (b"\x00\x00", 8), (b"\x10", 4), (b"\x00", 0)])
def test_wrong_bits_are_refused(octets, n_bits):
    with pytest.raises(PeerError):
        unpack_bits(octets, n_bits)
