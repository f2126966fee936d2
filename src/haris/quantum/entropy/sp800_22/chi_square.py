"""What counts are worth beside their expectation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc


def chi_square_p_value(counts: NDArray[np.int64], probabilities: Sequence[float] | NDArray[np.float64]) -> float:
    """Probability of a chi-square as large, with one degree of freedom fewer than classes.

    counts: of each class, shape (k,). probabilities: of each class, shape (k,), adding up to 1.
    """
    expected = counts.sum() * np.asarray(probabilities)
    return upper_tail(float(((counts - expected) ** 2 / expected).sum()), len(counts) - 1)


def upper_tail(score: float, degrees: float) -> float:
    """Probability that chi-square of so many degrees exceeds the score; SP 800-22 writes igamc(degrees/2, score/2)."""
    return float(gammaincc(degrees / 2, score / 2))
