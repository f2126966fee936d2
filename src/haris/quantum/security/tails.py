"""Tails of distributions: how far a count may stray from what it stands for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]
MOST_COUNTED = 1e12
"""Positions: the logarithm of the tail is then off by 0.1 at most."""
_MOST_TURNS = 400
"""Every fourth halves a bracket of at most MOST_COUNTED whole numbers: 160 would do."""
_GREATEST = 1e300


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
        tail = _log_tail(x, m - x + 1.0, n, k - x, _log_factorials(x, m, n))
    tail = np.where(k <= x, 0.0, tail)
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
    # low is never refuted; the answer lies in [low, high]. A sample of errors alone refutes nothing, nor does none.
    low, high = np.where((x < m) | (epsilon >= 1.0), 0.0, n), n
    many = m + n > MOST_COUNTED
    if many.any():
        some_m, some_n = np.maximum(m, 1.0), np.maximum(n, 1.0)
        closed = np.minimum(np.ceil(n * (x / some_m + serfling(some_m, some_n, epsilon))), n)
        closed = np.where(m > 0.0, closed, n)  # nothing sampled, nothing known
        low, high = np.where(many, closed, low), np.where(many, closed, high)
    left = low < high
    if left.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            low[left] = _most_errors(x[left], m[left], n[left], float(np.log(epsilon)))
    return np.asarray(low)


def _most_errors(x: Floats, m: Floats, n: Floats, log_epsilon: float) -> Floats:
    """The most unsampled errors that are not refuted, shape (i,), where none of the counts is too large.

    The root of the tail's logarithm runs nearly straight from 0 at the sample's own rate, so that few of Newton's steps
    find it within a bracket of whole numbers; the bracket is halved wherever they do not.
    """
    found = np.zeros_like(n)
    low, high = np.zeros_like(n), n
    kept, fixed = m - x + 1.0, _log_factorials(x, m, n)
    goal = float(np.sqrt(-log_epsilon))
    at = _normal_guess(x, m, n, goal)
    left: NDArray[np.intp] = np.arange(n.size)
    for turn in range(_MOST_TURNS):
        tested = np.minimum(np.maximum(np.rint(at), low + 1.0), high)
        tail = _log_tail(x, kept, n, tested, fixed)
        refuted = tail <= log_epsilon
        low, high = np.where(refuted, low, tested), np.where(refuted, tested - 1.0, high)
        more = low < high
        if not more.all():
            found[left] = low
            if not more.any():
                break
            left = left[more]
            x, kept, n, fixed, low, high, tested, tail = (a[more] for a in (x, kept, n, fixed, low, high, tested, tail))
        root = np.sqrt(np.minimum(-tail, _GREATEST))
        free = n - tested
        fall = np.log((tested + 1.0) * (kept + free - 1.0) / ((x + tested + 1.0) * free))  # to the next number's tail
        step = 2.0 * root * (goal - root) / fall
        good = (fall > 0.0) & (root > 0.0) if turn % 4 < 3 else False
        at = np.where(good, tested + step, (low + high + 1.0) / 2.0)
    return found


def _normal_guess(x: Floats, m: Floats, n: Floats, goal: float) -> Floats:
    """Where a normal distribution's tail would be refuted: about the share q of errors in all, (q - x/m)^2 = c q (1-q).

    goal: root of ln(1/epsilon).
    """
    some = np.maximum(m, 1.0)
    z = max(goal**2 - np.log(1.0 + 3.5 * goal), 0.25) * 2.0  # squared; a normal tail has 1/(z sqrt(2 pi)) before it
    c = z * n / (some * (m + n))
    p = x / some
    q = ((2.0 * p + c) + np.sqrt(np.maximum((2.0 * p + c) ** 2 - 4.0 * (1.0 + c) * p**2, 0.0))) / (2.0 * (1.0 + c))
    return np.asarray(q * (m + n) - x)


def _log_factorials(x: Floats, m: Floats, n: Floats) -> Floats:
    """What of the tail does not depend on the errors: ln choose(m, x) + ln n! - ln (m + n)!; infinite for x = m."""
    choose = gammaln(m + 1.0) - gammaln(x + 1.0) - gammaln(m - x + 1.0)
    return np.where(x < m, choose + (gammaln(n + 1.0) - gammaln(m + n + 1.0)), np.inf)


def _log_tail(x: Floats, kept: Floats, n: Floats, more: Floats, fixed: Floats) -> Floats:
    """log_hypergeometric_tail of x + more errors, 0 < more <= n, where divisions by 0 are let pass.

    kept: m - x + 1 of m sampled. fixed: of _log_factorials.
    """
    next_more, free = more + 1.0, n - more
    log_term = fixed - (gammaln(next_more) + gammaln(free + 1.0) - gammaln(x + next_more) - gammaln(kept + free))
    ratio = x * free / (next_more * kept)
    return np.asarray(np.fmin(log_term - np.log1p(-ratio), 0.0))  # from 1 on, the ratio bounds nothing: of no number, 0
