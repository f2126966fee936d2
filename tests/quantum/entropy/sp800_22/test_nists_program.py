"""A million digits beside NIST's own program, to the digits that it prints."""

import numpy as np
import pytest
from digits import NIST, digits

from haris.quantum.entropy.sp800_22.battery import ROWS, TESTS, p_values
from haris.quantum.entropy.sp800_22.chi_square import upper_tail
from haris.quantum.entropy.sp800_22.linear_complexity import linear_complexity_counts
from haris.quantum.entropy.sp800_22.longest_run import longest_run_counts
from haris.quantum.entropy.sp800_22.overlapping_template import overlapping_counts

LAST_DIGIT = 5.1e-7
NUMBERS = ["e", "sqrt2"]
NISTS_PROBABILITIES = {
    "LongestRun": (longest_run_counts, (0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727)),
    "OverlappingTemplate": (
        overlapping_counts,
        (0.36787944, 0.18393972, 0.13795479, 0.09963401, 0.06993541, 0.14065663),
    ),
    "LinearComplexity": (linear_complexity_counts, (0.01047, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833)),
}
"""Rounded, or older than the standard's own, in its program; ours are exact."""


def test_there_are_188_p_values_of_fifteen_tests():
    assert len(TESTS) == 15
    assert len(ROWS) == len(set(ROWS)) == 188


@pytest.mark.parametrize("number", NUMBERS)
def test_p_values_are_those_of_nists_program(number):
    found = dict(zip(ROWS, p_values(digits(number)), strict=True))
    for test, (name, told) in zip(TESTS, NIST[number].items(), strict=True):
        if name not in NISTS_PROBABILITIES:
            ours = [found[test.name, variant] for variant in test.variants]
            assert ours == pytest.approx(told, rel=0, abs=LAST_DIGIT), name


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", NISTS_PROBABILITIES)
def test_counts_are_those_of_nists_program(number, name):
    counts_of, probabilities = NISTS_PROBABILITIES[name]
    counts = counts_of(digits(number))
    # The program's probabilities do not always add up to 1; it takes them as they are.
    expected = counts.sum() * np.array(probabilities)
    score = ((counts - expected) ** 2 / expected).sum()
    assert upper_tail(score, len(counts) - 1) == pytest.approx(NIST[number][name][0], rel=0, abs=1e-6)
