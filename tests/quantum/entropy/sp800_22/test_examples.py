"""The worked examples of SP 800-22 rev. 1a, and its probabilities counted out."""

import itertools
import math

import numpy as np
import pytest
from digits import digits

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.sp800_22 import linear_complexity as lc
from haris.quantum.entropy.sp800_22 import longest_run as longest
from haris.quantum.entropy.sp800_22 import matrix_rank as rank
from haris.quantum.entropy.sp800_22.approximate_entropy import approximate_entropy
from haris.quantum.entropy.sp800_22.battery import p_values
from haris.quantum.entropy.sp800_22.block_frequency import block_frequency
from haris.quantum.entropy.sp800_22.chi_square import chi_square_p_value
from haris.quantum.entropy.sp800_22.cumulative_sums import cumulative_sums
from haris.quantum.entropy.sp800_22.frequency import frequency
from haris.quantum.entropy.sp800_22.non_overlapping_template import aperiodic_templates, non_overlapping_template
from haris.quantum.entropy.sp800_22.overlapping_template import overlapping_probabilities
from haris.quantum.entropy.sp800_22.random_excursions import excursion_counts, random_excursions, visit_probabilities
from haris.quantum.entropy.sp800_22.random_excursions_variant import random_excursions_variant, visit_counts
from haris.quantum.entropy.sp800_22.runs import runs
from haris.quantum.entropy.sp800_22.serial import serial
from haris.quantum.entropy.sp800_22.spectral import spectral
from haris.quantum.entropy.sp800_22.universal import universal_statistic

LAST_DIGIT = 1.1e-6
"""The standard rounds some of its examples down."""
PI_100 = "1100100100001111110110101010001000100001011010001100001000110100110001001100011001100010100010111000"
LONGEST_128 = (
    "1100110000010101011011000100110011100000000000100100110101010001"
    "0001001111010110100000001101011111001100111001101101100010110010"
)


def bits(text):
    return np.array([int(c) for c in text], np.uint8)


@pytest.mark.parametrize(
    ("found", "printed"),
    [
        (frequency(bits("1011010101")), 0.527089),
        (frequency(bits(PI_100)), 0.109599),
        (block_frequency(bits("0110011010"), 3), 0.801252),
        (block_frequency(bits(PI_100), 10), 0.706438),
        (runs(bits("1001101011")), 0.147232),
        (runs(bits(PI_100)), 0.500798),
        (spectral(bits("1001010011")), 0.468160),
        (spectral(bits(PI_100)), 0.646355),
        (chi_square_p_value(np.array([1, 1, 0]), (0.2888, 0.5776, 0.1336)), 0.741948),
        (non_overlapping_template(bits("10100100101110010110"), 3, 2)[0], 0.344154),
        (serial(bits("0011011101"), 3)[0], 0.808792),
        (serial(bits("0011011101"), 3)[1], 0.670320),
        (approximate_entropy(bits("0100110101"), 3), 0.261961),
        (approximate_entropy(bits(PI_100), 2), 0.235301),
        (cumulative_sums(bits("1011010111"))[0], 0.4116588),
        (cumulative_sums(bits(PI_100))[0], 0.219194),
        (cumulative_sums(bits(PI_100))[1], 0.114866),
    ],
)
def test_a_worked_example(found, printed):
    assert found == pytest.approx(printed, rel=0, abs=LAST_DIGIT)


def test_the_longest_run_is_that_of_the_example():
    assert longest.longest_run_counts(bits(LONGEST_128)).tolist() == [4, 9, 3, 0]
    assert longest.longest_run(bits(LONGEST_128)) == pytest.approx(0.180609, rel=1e-3)  # of rounded probabilities


def test_universal_statistic_of_the_example():
    assert universal_statistic(bits("01011010011101010111"), 2, 4) == pytest.approx(1.1949875, abs=1e-7)


def test_linear_complexity_of_the_examples():
    assert lc.complexities(bits("1101011110001")[None]).tolist() == [4]
    counts = lc.linear_complexity_counts(digits("e"), 1000)
    assert counts.tolist() == [11, 31, 116, 501, 258, 57, 26]
    assert lc.linear_complexity(digits("e"), 1000) == pytest.approx(
        0.845406, abs=1e-3
    )  # of 0.01047, see linear_complexity


def test_ranks_of_the_example():
    assert rank.ranks_of(bits("01011001001010101101"), 3).tolist() == [2, 3]


def test_rank_of_e_is_that_of_the_example():
    assert rank.matrix_rank(digits("e")[:100_000]) == pytest.approx(0.532069, abs=1e-4)


def test_excursions_of_the_examples():
    counts = excursion_counts(bits("0110110101"))
    assert counts.sum(axis=1).tolist() == [3] * 8
    expected = 3 * visit_probabilities(1)
    assert ((counts[4] - expected) ** 2 / expected).sum() == pytest.approx(4.333033, abs=1e-3)
    visits, n_cycles = visit_counts(bits("0110110101"))
    assert (visits[9], n_cycles) == (4, 3)
    assert math.erfc(1 / math.sqrt(2 * 3 * 2)) == pytest.approx(0.683091, abs=LAST_DIGIT)
    assert excursion_counts(digits("e"))[0].sum() == 1490


def test_excursions_of_too_few_cycles_are_not_told():
    steady = np.ones(1_000_000, np.uint8)
    assert np.isnan(random_excursions(steady)).all()
    assert np.isnan(random_excursions_variant(steady)).all()


def test_probabilities_of_longest_runs_are_those_counted():
    counts = np.zeros(4)
    for block in itertools.product("01", repeat=8):
        run = max(map(len, "".join(block).split("0")))
        counts[min(max(run, 1), 4) - 1] += 1
    np.testing.assert_allclose(longest._probabilities(longest.Blocks(8, 1, 4)), counts / 256)
    printed = (0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727)
    np.testing.assert_allclose(longest._probabilities(longest.Blocks(10_000, 10, 16)), printed, atol=2e-3)


def test_probabilities_of_overlapping_templates_are_those_counted_and_printed():
    counts = np.zeros(4)
    for block in itertools.product("01", repeat=10):
        text = "".join(block)
        counts[min(3, sum(text[i : i + 3] == "111" for i in range(8)))] += 1
    np.testing.assert_allclose(overlapping_probabilities(3, 10, 3), counts / 1024)
    printed = (0.364091, 0.185659, 0.139381, 0.100571, 0.0704323, 0.139865)
    np.testing.assert_allclose(overlapping_probabilities(), printed, atol=1e-6)


def test_complexities_are_those_of_a_search():
    blocks = np.array(list(itertools.product([0, 1], repeat=8)), np.uint8)
    assert lc.complexities(blocks).tolist() == [_shortest(block) for block in blocks]


def _shortest(block):
    """Least L for which some L taps give all bits after the first L."""
    n = len(block)
    for length in range(n):
        for taps in itertools.product([0, 1], repeat=length):
            if all(block[i] == sum(taps[j] * block[i - 1 - j] for j in range(length)) % 2 for i in range(length, n)):
                return length
    return n


@pytest.mark.parametrize("n", [9, 10])
def test_classes_of_complexity_have_the_probabilities_counted(n):
    blocks = np.array(list(itertools.product([0, 1], repeat=n)), np.uint8)
    np.testing.assert_allclose(lc._probabilities(n), lc.linear_complexity_counts(blocks.reshape(-1), n) / 2**n)


def test_probabilities_of_complexity_are_those_printed():
    printed = (0.010417, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833)
    np.testing.assert_allclose(lc._probabilities(500), printed, atol=1e-6)


def test_ranks_are_those_counted():
    matrices = np.array(list(itertools.product([0, 1], repeat=9)), np.uint8)
    ranks = rank.ranks_of(matrices.reshape(-1), 3)
    assert np.bincount(ranks).tolist() == [1, 49, 294, 168]
    assert [rank._probability(3, r) for r in (2, 3)] == pytest.approx([294 / 512, 168 / 512])


@pytest.mark.parametrize(("template_bits", "n"), [(2, 2), (3, 4), (4, 6), (5, 12), (9, 148), (10, 284)])
def test_templates_are_as_many_as_the_standard_has(template_bits, n):
    assert len(aperiodic_templates(template_bits)) == n


@pytest.mark.parametrize("n", [0, 999_999])
def test_a_short_sequence_is_refused(n):
    with pytest.raises(ParameterError, match="1e6 to 4e8"):
        p_values(np.zeros(n, np.uint8))
