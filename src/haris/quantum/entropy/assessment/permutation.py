"""The permutation tests of the IID track: nineteen statistics, beside those of shuffled samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.kernels.bzip2_length import bzip2_length
from haris.kernels.permutation_statistics import permutation_statistics, shuffle
from haris.quantum.entropy.assessment.samples import Samples

LAGS = (1, 2, 8, 16, 32)
STATISTICS = (
    "excursion",
    "numDirectionalRuns",
    "lenDirectionalRuns",
    "numIncreasesDecreases",
    "numRunsMedian",
    "lenRunsMedian",
    "avgCollision",
    "maxCollision",
    *(f"periodicity({p})" for p in LAGS),
    *(f"covariance({p})" for p in LAGS),
    "compression",
)
"""By the names of NIST's own tool."""
COMPRESSION = len(STATISTICS) - 1
ALL = (1 << len(STATISTICS)) - 1
N_PERMUTATIONS = 10_000
ENOUGH = 5


@dataclass(frozen=True, slots=True)
class PermutationTests:
    """statistics of the samples, float64, shape (19,); counts of shuffles with more, as much, less, int64, (19, 3)."""

    statistics: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def settled(self) -> NDArray[np.bool_]:
        """Which statistics are neither among the largest nor the smallest: no more shuffles can change that."""
        more, same, less = self.counts.T
        return np.asarray((more + same > ENOUGH) & (same + less > ENOUGH), np.bool_)

    @property
    def passed(self) -> bool:
        """Whether every statistic is an ordinary one."""
        return bool(self.settled.all())


def statistics(samples: Samples) -> NDArray[np.float64]:
    """The nineteen statistics of samples, as they are: float64, shape (19,). SP 800-90B, 5.1.1 to 5.1.11."""
    return _statistics(samples, samples.values, ALL)


def permutation_tests(samples: Samples, seed: int, n_permutations: int = N_PERMUTATIONS) -> PermutationTests:
    """Ranks of the statistics among those of shuffled samples. SP 800-90B, 5.1.

    A statistic that is settled is not computed again, and all end when every one is. seed: of the shuffles.
    """
    own = statistics(samples)
    tests = PermutationTests(own, np.zeros((len(own), 3), np.int64))
    rng = np.random.default_rng(seed)
    values = samples.values.copy()
    for _ in range(n_permutations):
        open_ = ~tests.settled
        if not open_.any():
            break
        shuffle(values, rng.bit_generator.random_raw(len(values)))
        drawn = _statistics(samples, values, sum(1 << int(s) for s in np.flatnonzero(open_)))
        tests.counts[:, 0] += open_ & (drawn > own)
        tests.counts[:, 1] += open_ & (drawn == own)
        tests.counts[:, 2] += open_ & (drawn < own)
    return tests


def _statistics(samples: Samples, values: NDArray[np.uint8], wanted: int) -> NDArray[np.float64]:
    """The wanted of the nineteen, of the samples in the order of values; NaN for the others."""
    symbols = samples.translated(values)
    found = permutation_statistics(
        values, symbols, len(samples.alphabet), samples.mean, samples.median_symbol, wanted & ~(1 << COMPRESSION)
    )
    packed = bzip2_length(values) if wanted >> COMPRESSION & 1 else np.nan
    return np.append(found, packed)
