"""The Shannon entropy of a sample, from above."""

import numpy as np
import pytest

from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.shannon import most_shannon_bits


def test_even_samples_have_all_their_bits():
    values = np.random.default_rng(1).integers(0, 256, 1_000_000, np.uint8)
    assert 7.999 < most_shannon_bits(RawSamples(values, 8)) <= 8.0


@pytest.mark.parametrize("p", [0.5, 0.1, 0.01])
def test_biased_bits_lie_just_below_the_limit(p):
    entropy = -p * np.log2(p) - (1 - p) * np.log2(1 - p)
    for seed in range(20):  # beyond five deviations once in 1.7 million
        bits = (np.random.default_rng(seed).random(100_000) < p).astype(np.uint8)
        assert min(1.0, entropy) <= most_shannon_bits(RawSamples(bits, 1)) < entropy + 0.04


def test_stuck_samples_have_none():
    assert most_shannon_bits(RawSamples(np.full(1000, 7, np.uint8), 8)) == 0.0


def test_few_samples_of_many_codes_are_not_underestimated():
    values = np.random.default_rng(2).integers(0, 2**16, 1_000_000, np.uint16)
    assert most_shannon_bits(RawSamples(values, 16)) > 15.99
