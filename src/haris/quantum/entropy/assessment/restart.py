"""Restart tests: whether a source is worth as much each time that it is started anew."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.assessment.most_common_value import most_common_value
from haris.quantum.entropy.assessment.non_iid import estimates, least
from haris.quantum.entropy.assessment.samples import Samples

SIDE = 1000
"""Restarts, and samples after each: SP 800-90B, 3.1.4.1."""
ALPHA = 1.0 - math.exp(math.log(0.99) / (2 * SIDE))


@dataclass(frozen=True, slots=True)
class RestartAssessment:
    """x_max: the most often that a sample comes in a row or a column; at most x_cutoff is ordinary.

    h_rows, h_columns: bits a sample. min_entropy: what the source is credited with, bits a sample; 0 where not passed.
    """

    x_max: int
    x_cutoff: int
    h_rows: float
    h_columns: float
    min_entropy: float
    passed: bool


def non_iid_min_entropy(samples: Samples) -> float:
    """Bits a sample by the non-IID track, of the samples as they are: restarts are not assessed by their bits."""
    return least(estimates(samples.symbols, len(samples.alphabet)), samples.bits)


def iid_min_entropy(samples: Samples) -> float:
    """Bits a sample by the IID track."""
    return least({"": most_common_value(samples.symbols)}, samples.bits)


def assess_restarts(
    matrix: NDArray[np.uint8],
    bits: int,
    h_initial: float,
    min_entropy_of: Callable[[Samples], float] = non_iid_min_entropy,
) -> RestartAssessment:
    """Sanity check and validation of SP 800-90B, 3.1.4. A row of matrix holds what followed one restart.

    matrix: uint8, shape (1000, 1000), below 2^bits. h_initial: bits a sample, of the long recording.
    min_entropy_of: the track by which rows and columns are assessed.
    Raises ParameterError on another shape, h_initial outside (0, bits], and as Samples does.
    """
    if matrix.shape != (SIDE, SIDE):
        raise ParameterError(f"restarts are {SIDE} rows of {SIDE} samples, got shape {matrix.shape}")
    if not 0.0 < h_initial <= bits:
        raise ParameterError(f"h_initial must lie in (0, {bits}], got {h_initial}")
    rows, columns = (Samples(np.ascontiguousarray(m).reshape(-1), bits) for m in (matrix, matrix.T))
    x_max = max(int(np.bincount(line).max()) for m in (matrix, matrix.T) for line in m)
    cutoff = highest_count(h_initial, SIDE, ALPHA)
    h_rows, h_columns = min_entropy_of(rows), min_entropy_of(columns)
    lesser = min(h_rows, h_columns)
    passed = x_max <= cutoff and lesser >= h_initial / 2
    return RestartAssessment(x_max, cutoff, h_rows, h_columns, min(lesser, h_initial) if passed else 0.0, passed)


def highest_count(h: float, n: int, alpha: float) -> int:
    """The least count that the commonest of n symbols exceeds with a probability of at most alpha.

    Worst case for min-entropy h: as many symbols of probability 2^-h as there can be, and one of the rest. NIST's tool
    simulates it (3.1.4.3); here it is exact: counts are Poisson variables, given their sum (Levin, Ann. Statist. 1981).
    """
    p = 2.0**-h
    many = math.floor(1.0 / p * (1.0 + 1e-12))
    rest = max(0.0, 1.0 - many * p)
    low, high = 0, n
    while low < high:
        most = (low + high) // 2
        if 1.0 - _p_at_most(most, n, p, many, rest) <= alpha:
            high = most
        else:
            low = most + 1
    return low


def _p_at_most(most: int, n: int, p: float, many: int, rest: float) -> float:
    """Probability that no symbol comes more than so often in n."""
    from scipy.signal import fftconvolve
    from scipy.stats import poisson

    counts = np.arange(n + 1)
    base = np.where(counts <= most, poisson.pmf(counts, n * p), 0.0)
    total = np.where(counts <= most, poisson.pmf(counts, n * rest), 0.0)
    power = many
    while power:
        if power & 1:
            total = np.clip(fftconvolve(total, base)[: n + 1], 0.0, None)
        base = np.clip(fftconvolve(base, base)[: n + 1], 0.0, None)
        power >>= 1
    return min(1.0, float(total[n] / poisson.pmf(n, n)))
