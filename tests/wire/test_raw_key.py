"""Raw-key files of a laboratory, by the words of their description."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.wire.raw_key import MOST_OCTETS, read_intensities, read_length, read_states, write_pairs


def test_an_octet_by_hand():
    # Read from the lowest bit: 0 0, 1 0, 0 1, 1 1 are H, D, V, A when the first bit of each pair is written left.
    basis, bit = read_states(bytes([0b11_10_01_00]))
    assert basis.tolist() == [0, 1, 0, 1]
    assert bit.tolist() == [0, 0, 1, 1]
    assert read_intensities(bytes([0b10_00_10_00])).tolist() == [0, 1, 0, 1]
    assert read_length(bytes([0, 0, 0, 0, 0, 0, 1, 2])) == 258


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=4, max_size=64))
def test_states_come_back(states):
    states = np.array(states[: len(states) // 4 * 4], np.uint8)
    octets = write_pairs(states[:, 0], states[:, 1])
    assert read_length(octets[:8]) == len(octets) - 8 == len(states) // 4
    assert np.array_equal(np.stack(read_states(octets[8:]), axis=1), states)


def test_wrong_values_are_told_with_their_place():
    with pytest.raises(ParameterError, match="intensity 5 is 11"):
        read_intensities(bytes([0, 0b00_00_11_00]))
    with pytest.raises(ParameterError, match="3 octets of 8"):
        read_length(bytes(3))
    for length in (0, MOST_OCTETS + 1, 2**63):
        with pytest.raises(ParameterError, match=f"a block of {length} octets"):
            read_length(length.to_bytes(8, "big"))
    with pytest.raises(ParameterError, match="5 states"):
        write_pairs(np.zeros(5, np.uint8), np.zeros(5, np.uint8))
