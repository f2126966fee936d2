"""Chernoff bounds inverted: the mean behind a count of rare independent events, far tighter than Hoeffding's.

The functions whose roots are sought are convex, so that each of Newton's steps ends beyond the root, at a bound that
holds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEWTON_STEPS = 3
"""From series that are good to a few per cent: the last leaves nothing but rounding."""
_LEAST_COUNT = 1e-6
"""Below it the closed form is taken, of which Newton's steps would leave the same."""
_GREATEST_COST = 20.0
"""Of ln(1/epsilon) a count, above which the lower bound is under 1e-9 of the count, and taken as 0."""


def mean_above(count: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """Upper bound on the mean E of a sum of independent 0/1 variables that came out as count (any shape, real).

    Fails with probability at most epsilon: Pr[X <= x] <= exp(x - E - x ln(x/E)) for x < E, and the right side grows
    with x, so the E at which it is epsilon for the x that was seen is passed only if X fell that low. E = x for
    epsilon = 1.
    Source: Chernoff, Ann. Math. Stat. 23, 493 (1952); inverted as in Zhang, Zhao, Razavi, Ma, PRA 95, 012333 (2017).
    """
    x, cost = np.maximum(np.asarray(count, dtype=np.float64), 0.0), -np.log(epsilon)
    c = cost / np.maximum(x, _LEAST_COUNT)
    s = np.sqrt(2.0 * c)
    u: NDArray[np.float64] = s + s * s * (1.0 / 3.0 + s / 36.0)  # of u - ln(1 + u) = c
    for _ in range(NEWTON_STEPS):
        u = u - np.divide((u - np.log1p(u) - c) * (1.0 + u), u, out=np.zeros_like(u), where=u > 0.0)
    return np.where(x >= _LEAST_COUNT, x * (1.0 + u), x + np.sqrt(2.0 * cost * x) + cost)


def mean_below(count: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """Lower bound on the same mean, by Pr[X >= x] <= exp(x - E - x ln(x/E)) for x > E."""
    x, cost = np.maximum(np.asarray(count, dtype=np.float64), 0.0), -np.log(epsilon)
    c = np.minimum(cost / np.maximum(x, _LEAST_COUNT), _GREATEST_COST)
    s = np.sqrt(2.0 * c)
    v: NDArray[np.float64] = -s - s * s * (1.0 / 6.0 + s / 36.0)  # of exp(v) - 1 - v = c
    for _ in range(NEWTON_STEPS):
        slope = np.expm1(v)
        v = v - np.divide(slope - v - c, slope, out=np.zeros_like(v), where=slope < 0.0)
    return np.where(c < _GREATEST_COST, x * np.exp(v), 0.0)


def count_below(mean: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """Lower bound E - sqrt(2 E ln(1/epsilon)) on a count of mean E: fails with probability at most epsilon.

    Source: Chernoff's bound in its usual weaker form, Pr[X <= (1 - d) E] <= exp(-d^2 E / 2).
    """
    e = np.maximum(np.asarray(mean, dtype=np.float64), 0.0)
    return np.asarray(np.maximum(e - np.sqrt(-2.0 * e * np.log(epsilon)), 0.0))


def count_above(mean: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """Upper bound on a count of mean E: fails with probability at most epsilon.

    It is the d at which Pr[X >= E + d] <= exp(-d^2 / (2 E + 2 d / 3)) is epsilon, which is weaker than Chernoff's.
    Source: Bernstein's inequality, as in Boucheron, Lugosi, Massart, Concentration Inequalities (2013), Eq. (2.10).
    """
    e, third = np.maximum(np.asarray(mean, dtype=np.float64), 0.0), -np.log(epsilon) / 3.0
    return np.asarray(e + third + np.sqrt(third * third + 6.0 * third * e))
