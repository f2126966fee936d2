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
    x, size, guess = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (counted, n, predicted)))
    whole = np.maximum(size, 1.0)
    a, b = kato_coefficients(whole, np.clip(guess, 0.0, whole / 2.0), epsilon)
    share = np.clip(x, 0.0, size) / whole
    # The bound rises with what was counted, for a >= -sqrt(n) / 2.
    return np.asarray(np.clip(x + (b + a * (2.0 * share - 1.0)) * np.sqrt(size), 0.0, size))


def kato_coefficients(
    n: NDArray[np.float64], predicted: NDArray[np.float64], epsilon: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pair (a, b) that makes the deviation at predicted least, with b for epsilon; predicted <= n / 2."""
    cost, slope, share = -np.log(epsilon) / 2.0, 4.0 / (3.0 * np.sqrt(n)), predicted / n
    bend = slope**2 * cost
    away = (1.0 - 2.0 * share) * np.sqrt(cost / (bend + 4.0 * share * (1.0 - share)))
    a = (away - slope * cost) / (1.0 + bend)
    a = np.maximum(a, -np.sqrt(n) / 2.0)
    return a, np.sqrt(a**2 + (1.0 + slope * a) ** 2 * cost)
