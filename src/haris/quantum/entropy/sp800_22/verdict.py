"""What the P-values of many sequences say together. SP 800-22, 4.2, with thresholds for the whole family."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.sp800_22.battery import ROWS
from haris.quantum.entropy.sp800_22.chi_square import chi_square_p_value

FALSE_REJECTION = 1e-3
"""Probability with which ideal bits are rejected, over all hypotheses together."""
SIGNIFICANCE = 0.01
"""Of one test on one sequence, to count the share that passes."""
LEAST_FOR_UNIFORMITY = 55
"""Sequences that 4.2.2 asks for."""
N_PARTS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One test, or one variant of it, over all sequences.

    n_tested, n_failed: sequences to which it applies, and those with a P-value below 0.01.
    proportion: P-value of as many or as few failures, binomial, two-sided. uniformity: of the P-values in ten parts.
    Both None, and least alone counts, where sequences are too few: the least P-value times n_tested.
    """

    test: str
    variant: str
    n_tested: int
    n_failed: int
    least: float
    proportion: float | None
    uniformity: float | None

    @property
    def p_values(self) -> tuple[float, ...]:
        """One of each hypothesis about this row that is tested."""
        return tuple(p for p in (self.proportion, self.uniformity) if p is not None) or (self.least,)


@dataclass(frozen=True, slots=True)
class Verdict:
    """rows: as ROWS. false_rejection: of the whole family. n_hypotheses: in it; each is rejected below threshold.

    By Bonferroni's inequality, which holds however the tests depend on each other: they share their bits.
    """

    n_sequences: int
    false_rejection: float
    n_hypotheses: int
    rows: tuple[Row, ...]

    @property
    def threshold(self) -> float:
        """Of one hypothesis."""
        return self.false_rejection / self.n_hypotheses

    @property
    def rejected(self) -> tuple[Row, ...]:
        """Rows with a P-value below the threshold."""
        return tuple(row for row in self.rows if min(row.p_values) < self.threshold)

    @property
    def passed(self) -> bool:
        """Whether no row is rejected."""
        return not self.rejected


def n_hypotheses(n_sequences: int) -> int:
    """How many are tested on so many sequences: known before a bit is looked at. Those that cannot apply count too."""
    return len(ROWS) * (2 if n_sequences >= LEAST_FOR_UNIFORMITY else 1)


def judge(p_values: NDArray[np.float64], false_rejection: float = FALSE_REJECTION) -> Verdict:
    """The verdict over sequences that were tested.

    p_values: of each sequence and each of ROWS, shape (n, 188), NaN where a test does not apply. false_rejection: in
    (0, 1). Raises ParameterError on another shape or value.
    The error is nominal: P-values come from limits for long sequences, those of discrete statistics in steps.
    """
    if not 0.0 < false_rejection < 1.0:
        raise ParameterError(f"false_rejection must lie in (0, 1), got {false_rejection}")
    if p_values.ndim != 2 or p_values.shape[0] < 1 or p_values.shape[1] != len(ROWS):
        raise ParameterError(f"p_values must have shape (sequences, {len(ROWS)}), got {p_values.shape}")
    n_sequences = len(p_values)
    many = n_sequences >= LEAST_FOR_UNIFORMITY
    rows = tuple(_row(*names, column[~np.isnan(column)], many) for names, column in zip(ROWS, p_values.T, strict=True))
    return Verdict(n_sequences, false_rejection, n_hypotheses(n_sequences), rows)


def _row(test: str, variant: str, p_values: NDArray[np.float64], many: bool) -> Row:
    n, n_failed = len(p_values), int(np.count_nonzero(p_values < SIGNIFICANCE))
    least = min(1.0, n * float(p_values.min())) if n else 1.0
    if not many:
        return Row(test, variant, n, n_failed, least, None, None)
    return Row(test, variant, n, n_failed, least, _proportion(n_failed, n), _uniformity(p_values))


def _proportion(n_failed: int, n: int) -> float:
    from scipy.stats import binom

    as_many, as_few = binom.sf(n_failed - 1, n, SIGNIFICANCE), binom.cdf(n_failed, n, SIGNIFICANCE)
    return min(1.0, 2.0 * float(min(as_many, as_few)))


def _uniformity(p_values: NDArray[np.float64]) -> float:
    if len(p_values) < LEAST_FOR_UNIFORMITY:
        return 1.0
    counts = np.bincount(np.minimum((p_values * N_PARTS).astype(int), N_PARTS - 1), minlength=N_PARTS)
    return chi_square_p_value(counts, np.full(N_PARTS, 1 / N_PARTS))
