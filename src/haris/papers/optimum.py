"""The best of a function of a few settings, found alike every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize

from haris.nouns.errors import ParameterError

Array = NDArray[np.float64]

OPTIONS = {"maxiter": 2000, "xatol": 1e-4, "fatol": 1e-5}


Settings = tuple[float, ...]


def maximum(of: Callable[[Array], float], starts: Sequence[Settings]) -> tuple[float, Settings]:
    """The greatest value of a function, and where: Nelder-Mead from the best start, and again from each end.

    It ends when a search gains no more than 1e-5.
    """
    best = max(starts, key=lambda start: of(np.asarray(start)))
    value, gains = of(np.asarray(best)), True
    while gains:
        scale = abs(value) or 1.0
        found = minimize(lambda x, s=scale: -of(x) / s, np.asarray(best), method="Nelder-Mead", options=OPTIONS)
        reached = -float(found.fun) * scale
        gains = reached - value > 1e-5 * abs(value)
        value, best = reached, tuple(float(x) for x in found.x)
    return value, best


def last_with_key(
    gain: Callable[[Array, float], float], starts: Sequence[Settings], at: float, step: float, within: float
) -> float:
    """Where along a link the best gain of any settings is 0, first looked for at `at` and in growing steps from there.

    0 where there is none at all. Each search may start from the last settings that were searched. Raises
    ParameterError where there still is some a hundred steps on: without dark counts it never ends.
    """
    known = tuple(starts)

    def best(place: float) -> float:
        nonlocal known
        value, found = maximum(lambda x: gain(x, place), known)
        known = (found, *starts)
        return value

    low = high = at
    if best(high) > 0.0:
        farthest = at + 100.0 * step
        while (low := high) <= farthest and best(high := high + step) > 0.0:
            step *= 2.0
        if low > farthest:
            raise ParameterError(f"key does not end: there is some at {low:g}")
    else:
        low = 0.0
        if best(low) <= 0.0:
            return 0.0
    return float(brentq(best, low, high, xtol=within))
