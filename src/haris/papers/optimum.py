"""The best of a function of a few settings, found alike every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize

Array = NDArray[np.float64]

OPTIONS = {"maxiter": 2000, "xatol": 1e-4, "fatol": 1e-5}


Settings = tuple[float, ...]


def maximum(of: Callable[[Array], float], starts: Sequence[Settings]) -> tuple[float, Settings]:
    """The greatest value of a function, and where: Nelder-Mead from the best start, and again from each end.

    It ends when a search gains no more than 1e-5.
    """
    best = max(starts, key=lambda start: of(np.asarray(start)))
    value = of(np.asarray(best))
    while True:
        scale = abs(value) or 1.0
        found = minimize(lambda x, s=scale: -of(x) / s, np.asarray(best), method="Nelder-Mead", options=OPTIONS)
        gain, value = -float(found.fun) * scale - value, -float(found.fun) * scale
        best = tuple(float(x) for x in found.x)
        if gain <= 1e-5 * abs(value):
            return value, best


def last_with_key(
    gain: Callable[[Array, float], float], starts: Sequence[Settings], at: float, step: float, within: float
) -> float:
    """Where along a link the best gain of any settings is 0, first looked for at `at` and in steps from there.

    Each search may start from the last settings that were searched.
    """
    known = tuple(starts)

    def best(place: float) -> float:
        nonlocal known
        value, found = maximum(lambda x: gain(x, place), known)
        known = (found, *starts)
        return value

    low = high = at
    while low > 0.0 and best(low) <= 0.0:
        low, high = max(low - step, 0.0), low
    while high == low or best(high) > 0.0:
        low, high = high, high + step
    return float(brentq(best, low, high, xtol=within))
