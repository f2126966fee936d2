"""Chernoff bounds inverted: the mean behind a count of rare independent events, far tighter than Hoeffding's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEWTON_STEPS = 8
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
    u = np.sqrt(2.0 * c) + c  # above the root, for 1 + s + s^2/2 <= exp(s)
    return np.where(x >= _LEAST_COUNT, x * (1.0 + _root(u, c)), x + np.sqrt(2.0 * cost * x) + cost)


def mean_below(count: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """Lower bound on the same mean, by Pr[X >= x] <= exp(x - E - x ln(x/E)) for x > E."""
    x, cost = np.maximum(np.asarray(count, dtype=np.float64), 0.0), -np.log(epsilon)
    c = np.minimum(cost / np.maximum(x, _LEAST_COUNT), _GREATEST_COST)
    u = np.expm1(-np.sqrt(2.0 * c) - c)  # below the root, for 1 - s <= exp(-s - s^2/2)
    return np.where(c < _GREATEST_COST, x * (1.0 + _root(u, c)), 0.0)


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


def _root(u: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root of u - ln(1 + u) = c on the side of 0 where u starts, beyond it.

    The function is convex, so Newton's steps never pass the root: each of them is a bound that holds.
    """
    for _ in range(NEWTON_STEPS):
        above = u - np.log1p(u) - c
        step = np.divide(above * (1.0 + u), u, out=np.zeros_like(u), where=(u != 0.0) & (above > 0.0))
        u = u - step
    return u
