"""Tails of distributions: how far a count may stray from what it stands for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

MOST_COUNTED = 1e12
"""Positions: the logarithm of the tail is then off by 0.1 at most."""


def hoeffding(n: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """Deviation sqrt(n ln(1/epsilon) / 2) that a sum of n independent 0/1 variables passes, on one side,
    with probability at most epsilon.

    Source: Hoeffding, J. Am. Stat. Assoc. 58, 13 (1963), theorem 1.
    """
    return np.asarray(np.sqrt(np.asarray(n, dtype=np.float64) * np.log(1.0 / epsilon) / 2.0))


def serfling(sampled: ArrayLike, unsampled: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """Excess of the error rate of the unsampled part over the sampled one, passed with probability <= epsilon.

    The closed form that the hypergeometric bound must never exceed; both counts positive.
    Source: Serfling, Ann. Stat. 2, 39 (1974), corollary 1.1, as used by Tomamichel et al., Nat. Commun. 3, 634 (2012).
    """
    m, n = np.asarray(sampled, dtype=np.float64), np.asarray(unsampled, dtype=np.float64)
    return np.asarray(np.sqrt((m + n) * (m + 1.0) * np.log(1.0 / epsilon) / (2.0 * n * m**2)))


def log_hypergeometric_tail(
    observed: ArrayLike, sampled: ArrayLike, unsampled: ArrayLike, errors: ArrayLike
) -> NDArray[np.float64]:
    """Natural logarithm of (an upper bound on) the probability of seeing at most `observed` errors in a sample.

    errors: how many are among sampled + unsampled positions; the sample is uniform without replacement.
    The probabilities are log-concave, so below the largest term the sum is bounded by a geometric series: never
    under the exact tail, and over it by about 1/z^2 at z standard deviations. All arguments whole, broadcast.
    """
    x, m, n, k = (np.asarray(a, dtype=np.float64) for a in (observed, sampled, unsampled, errors))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_term = _log_choose(m, x) + _log_choose(n, k - x) - _log_choose(m + n, k)
        ratio = x * (n - k + x) / ((k - x + 1.0) * (m - x + 1.0))
        tail = log_term - np.log1p(-ratio)
    tail = np.where((ratio >= 1.0) | (k <= x) | (m <= x), 0.0, np.minimum(tail, 0.0))
    return np.where((k - x > n) & (x < m), -np.inf, tail)


def unsampled_errors(
    observed: ArrayLike, sampled: ArrayLike, unsampled: ArrayLike, epsilon: float
) -> NDArray[np.float64]:
    """Errors in the unsampled part: a bound that fails with probability at most epsilon.

    observed errors among `sampled` positions drawn without replacement from sampled + unsampled. Real arguments are
    rounded to the pessimistic side. Returns whole numbers in [0, unsampled], of the broadcast shape.
    Inverts the hypergeometric tail: the most errors in all that a test at level epsilon does not refute. It falls with
    the sample's size and rises with the errors seen, so that bounds may stand for the true sizes. Beyond MOST_COUNTED
    positions, where factorials lose their digits, Serfling's closed form takes its place.
    """
    x = np.ceil(np.asarray(observed, dtype=np.float64))
    m = np.floor(np.asarray(sampled, dtype=np.float64))
    n = np.floor(np.asarray(unsampled, dtype=np.float64))
    x, m, n = np.broadcast_arrays(x, m, n)
    low, high = np.zeros(x.shape), n.copy()  # low is never refuted; the answer lies in [low, high]
    many = m + n > MOST_COUNTED
    if np.any(many):
        some_m, some_n = np.maximum(m, 1.0), np.maximum(n, 1.0)
        closed = np.minimum(np.ceil(n * (x / some_m + serfling(some_m, some_n, epsilon))), n)
        closed = np.where(m > 0.0, closed, n)  # nothing sampled, nothing known
        low, high = np.where(many, closed, low), np.where(many, closed, high)
    while np.any(low < high):
        middle = np.ceil((low + high) / 2.0)
        refuted = log_hypergeometric_tail(x, m, n, x + middle) <= np.log(epsilon)
        low, high = np.where(refuted, low, middle), np.where(refuted, middle - 1.0, high)
    return np.asarray(low)


def _log_choose(n: NDArray[np.float64], k: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
