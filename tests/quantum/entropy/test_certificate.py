"""What is certified of a block, and what its epsilons come to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.document import parse_document
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.quantum.entropy.certificate import certificate, hashed_bits
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.sources import source_of

SOURCE = """
[source]
name = "vacuum"
adc_bits = 8
range_v = 0.6
clock_hz = 1e9
signal_rms_v = 0.1
dark_rms_v = 0.02
calibration_samples = 1000000000
"""


@given(st.floats(0.0, 1e6), st.integers(1, 900))
def test_the_hash_keeps_its_epsilon_and_one_more_bit_would_not(min_entropy, exponent):
    epsilon = 2.0**-exponent
    out = hashed_bits(Randomness(1, min_entropy, 0.0, (), Proof("", "", finite=True)), epsilon)

    def distance_log2(bits):
        return -1.0 + (bits - min_entropy) / 2.0

    assert out == 0 or distance_log2(out) <= -exponent + 1e-9
    assert distance_log2(out + 1) > -exponent - 1e-9


def test_a_block_says_what_it_comes_to():
    found = certificate(source_of(parse_document(SOURCE)))
    assert found.raw_bits == 4096
    assert found.out_bits == found.allowed_bits == math.floor(found.randomness.min_entropy_bits - 200.0)
    assert found.blocks_hz == 1e9 / 512
    assert found.certified_bits_hz == found.blocks_hz * found.out_bits
    assert found.epsilon == 2.0**-100
    assert found.epsilon_year == pytest.approx(2.0**-100 * 1e9 / 512 * 31_557_600.0)


def test_more_than_is_allowed_certifies_nothing():
    text = SOURCE + "[extraction]\nout_bits = 4000\n"
    assert certificate(source_of(parse_document(text))).certified_bits_hz == 0.0
    text = SOURCE + "[extraction]\nout_bits = 2048\n"
    assert certificate(source_of(parse_document(text))).out_bits == 2048


def test_an_epsilon_above_the_most_is_refused_with_its_line():
    with pytest.raises(ParameterError, match=r":11: .*epsilon must lie in"):
        source_of(parse_document(SOURCE + "[extraction]\nepsilon = 1e-20\n"))
