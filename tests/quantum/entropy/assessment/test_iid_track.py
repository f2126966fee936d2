"""The IID track beside NIST's own tool, to the digits that it prints."""

import numpy as np
import pytest
from reference_sets import NIST, samples

from haris.quantum.entropy.assessment.chi_square import goodness_of_fit, independence
from haris.quantum.entropy.assessment.iid import assess_iid
from haris.quantum.entropy.assessment.longest_repeat_test import longest_repeat_test
from haris.quantum.entropy.assessment.permutation import STATISTICS, permutation_tests, statistics
from haris.quantum.entropy.assessment.samples import Samples

SETS = ["A_uniform8", "B_biased1", "C_sticky4"]
LAST_DIGIT = 5.1e-7
"""Half of the sixth decimal, the last that the tool prints."""


@pytest.mark.parametrize("name", SETS)
def test_chi_square_tests_are_those_of_nists_tool(name):
    data, told = samples(name), NIST[name]["iid"]
    for test in (independence, goodness_of_fit):
        found, expected = test(data.symbols, len(data.alphabet)), told[test.__name__]
        assert found.degrees == expected["degrees"]
        assert found.score == pytest.approx(expected["score"], rel=1e-9, abs=LAST_DIGIT)
        assert found.p_value == pytest.approx(expected["p_value"], rel=0, abs=LAST_DIGIT)
        assert found.passed == (name != "C_sticky4")


@pytest.mark.parametrize("name", SETS)
def test_the_longest_repeat_is_that_of_nists_tool(name):
    data, told = samples(name), NIST[name]["iid"]["longest_repeat"]
    found = longest_repeat_test(data.symbols, len(data.alphabet))
    assert found.length == told["length"]
    assert found.p_col == pytest.approx(told["p_col"], rel=0, abs=LAST_DIGIT)
    assert found.p_value == pytest.approx(told["p_value"], rel=0, abs=LAST_DIGIT)
    assert found.passed


@pytest.mark.parametrize("name", SETS)
def test_statistics_before_any_shuffle_are_those_of_nists_tool(name):
    found = dict(zip(STATISTICS, statistics(samples(name)), strict=True))
    assert {s: f"{value:.6g}" for s, value in found.items()} == NIST[name]["iid"]["statistics"]


def test_what_depends_on_its_past_is_refuted_without_a_shuffle():
    found = assess_iid(samples("C_sticky4"), 1)
    assert not found.passed
    assert not found.permutations.counts.any()
    assert found.h_original == pytest.approx(NIST["C_sticky4"]["iid"]["h_original"], abs=LAST_DIGIT)
    assert found.h_bitstring == pytest.approx(NIST["C_sticky4"]["iid"]["h_bitstring"], abs=LAST_DIGIT)


@pytest.mark.parametrize("bits", [1, 3])
def test_independent_samples_pass_and_a_trend_does_not(bits):
    """Seeds are fixed; a good source fails with a probability of about one in a hundred thousand a statistic."""
    good = np.random.default_rng(5).integers(0, 1 << bits, 3000, np.uint8)
    found = assess_iid(Samples(good, bits), 1)
    assert found.passed
    assert found.permutations.counts.sum(axis=1).max() < 3000  # all are settled early
    trend = permutation_tests(Samples(np.sort(good), bits), 1, 300)
    assert not trend.passed
    assert trend.counts[0].tolist() == [0, 0, 300]  # none strays so far


def test_the_same_seed_shuffles_the_same():
    data = Samples(np.random.default_rng(6).integers(0, 4, 2000, np.uint8), 2)
    np.testing.assert_array_equal(permutation_tests(data, 3, 20).counts, permutation_tests(data, 3, 20).counts)
    assert (permutation_tests(data, 3, 20).counts != permutation_tests(data, 4, 20).counts).any()


def test_samples_that_never_repeat():
    assert longest_repeat_test(np.arange(200, dtype=np.uint8), 200).p_value == 1.0
