"""Kato's inequality: rare events that depend on each other, counted far more tightly than by Azuma's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def probabilities_above(counted: ArrayLike, n: ArrayLike, predicted: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """A number that the sum of conditional probabilities of n events passes with probability at most epsilon.

    counted: how many of them happened, at most; each may depend on all before it. predicted: a guess of that, made
    beforehand, for which the bound is best. It holds for any guess. Broadcast shape; at most n.
    With S the sum, Pr[S - counted >= (b + a (2 counted / n - 1)) sqrt(n)] <= exp(-2 (b^2 - a^2) / (1 + 4a / (3
    sqrt(n)))^2); a is the one that makes the deviation least at the guess, here in closed form.
    Source: Kato, arXiv:2002.04357, theorem 1; a as in Mizutani et al., PR Research 5, 023132 (2023), Eqs. (48), (93).
    """
    x, size, guess = _cut(counted, n, predicted)
    a, b = kato_coefficients(size, guess, epsilon)
    # The bound rises with what was counted, for a >= -sqrt(n) / 2.
    return np.asarray(np.clip(x + (b + a * (2.0 * x / size - 1.0)) * np.sqrt(size), 0.0, size))


def probabilities_below(counted: ArrayLike, n: ArrayLike, predicted: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """A number that the same sum falls below with probability at most epsilon; at least 0.

    The inequality for the events that did not happen.
    """
    x, size, guess = _cut(counted, n, predicted)
    a, b = kato_coefficients(size, size - guess, epsilon)
    return np.asarray(np.clip(x - (b - a * (2.0 * x / size - 1.0)) * np.sqrt(size), 0.0, size))


def events_above(probabilities: ArrayLike, n: ArrayLike, predicted: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """A number of events that is passed with probability at most epsilon if probabilities sum to no more than that.

    predicted: a guess of that sum, made beforehand. The same inequality as probabilities_below, solved for what is
    counted; best where that is a little above the guess.
    """
    total, size, guess = _cut(probabilities, n, np.asarray(predicted) - 4.0 * np.log(epsilon))
    a, b = kato_coefficients(size, size - guess, epsilon)
    rise = 1.0 + 2.0 * a / np.sqrt(size)
    most = np.divide(total + (b + a) * np.sqrt(size), rise, out=np.full_like(rise, np.inf), where=rise > 1e-9)
    return np.asarray(np.clip(most, 0.0, size))


def _cut(counted: ArrayLike, n: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """All of one shape, with at least one event, and none of the numbers above that of the events."""
    x, size, guess = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (counted, n, predicted)))
    size = np.maximum(size, 1.0)
    return np.clip(x, 0.0, size), size, np.clip(guess, 0.0, size)


def kato_coefficients(
    n: NDArray[np.float64], predicted: NDArray[np.float64], epsilon: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pair (a, b) that makes the deviation at predicted least, with b for epsilon."""
    cost, slope, share = -np.log(epsilon) / 2.0, 4.0 / (3.0 * np.sqrt(n)), predicted / n
    bend = slope**2 * cost
    away = (1.0 - 2.0 * share) * np.sqrt(cost / (bend + 4.0 * share * (1.0 - share)))
    a = (away - slope * cost) / (1.0 + bend)
    a = np.maximum(a, -np.sqrt(n) / 2.0)
    return a, np.sqrt(a**2 + (1.0 + slope * a) ** 2 * cost)
