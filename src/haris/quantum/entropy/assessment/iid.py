"""The IID track: whether samples look independent and identically distributed, and what they are worth if they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from haris.quantum.entropy.assessment.chi_square import ChiSquare, goodness_of_fit, independence
from haris.quantum.entropy.assessment.estimate import Estimate
from haris.quantum.entropy.assessment.longest_repeat_test import LongestRepeat, longest_repeat_test
from haris.quantum.entropy.assessment.most_common_value import most_common_value
from haris.quantum.entropy.assessment.non_iid import least
from haris.quantum.entropy.assessment.permutation import N_PERMUTATIONS, PermutationTests, permutation_tests
from haris.quantum.entropy.assessment.samples import Samples


@dataclass(frozen=True, slots=True)
class IidAssessment:
    """min_entropy, bits a sample, holds only where passed. Estimates as in the other track; the tests of this one."""

    min_entropy: float
    h_original: float
    h_bitstring: float | None
    literal: Mapping[str, Estimate]
    bitstring: Mapping[str, Estimate]
    chi_square_independence: ChiSquare
    chi_square_goodness_of_fit: ChiSquare
    longest_repeat: LongestRepeat
    permutations: PermutationTests

    @property
    def passed(self) -> bool:
        """Whether no test speaks against independent and identically distributed samples."""
        return (
            self.chi_square_independence.passed
            and self.chi_square_goodness_of_fit.passed
            and self.longest_repeat.passed
            and self.permutations.passed
        )


def assess_iid(samples: Samples, seed: int) -> IidAssessment:
    """Min-entropy by the most common value, and the tests of SP 800-90B, 5 and 6.1. seed: of the permutation tests.

    Where a chi-square test or that of the longest repeat has failed, nothing is shuffled: the verdict stands.
    """
    n_symbols = len(samples.alphabet)
    literal = {"Most Common Value Estimate": most_common_value(samples.symbols)}
    bitstring = {} if n_symbols == 2 else {"Most Common Value Estimate": most_common_value(samples.bitstring)}
    h_original = least(literal, samples.bits)
    h_bitstring = least(bitstring, 1) if bitstring else None
    chi_independence = independence(samples.symbols, n_symbols)
    chi_fit = goodness_of_fit(samples.symbols, n_symbols)
    repeat = longest_repeat_test(samples.symbols, n_symbols)
    goes_on = chi_independence.passed and chi_fit.passed and repeat.passed
    return IidAssessment(
        h_original if h_bitstring is None else min(h_original, samples.bits * h_bitstring),
        h_original,
        h_bitstring,
        literal,
        bitstring,
        chi_independence,
        chi_fit,
        repeat,
        permutation_tests(samples, seed, N_PERMUTATIONS if goes_on else 0),
    )
