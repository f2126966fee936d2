"""Moments within brackets that shrink: where a function is highest, and where a condition begins or ends to hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
REFINEMENTS = 40
"""Of a bracket of minutes: the last digits of a time since 1970, a quarter of a microsecond, are reached before."""


def highest(of: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where a function with one peak in each [low, high] is greatest, shape (i,): brackets shrink by thirds."""
    for _ in range(REFINEMENTS if low.size else 0):
        third = (high - low) / 3.0
        rising = of(low + third) < of(high - third)
        low, high = np.where(rising, low + third, low), np.where(rising, high, high - third)
    return np.asarray((low + high) / 2.0)


def change(holds: Callable[[Floats], Bools], without: Floats, within: Floats) -> Floats:
    """Where a condition begins to hold between moments without it and moments within it, in either order, shape (i,).

    It holds at what is returned, and it changes once in each bracket.
    """
    for _ in range(REFINEMENTS if within.size else 0):
        middle = (without + within) / 2.0
        held = holds(middle)
        without, within = np.where(held, without, middle), np.where(held, middle, within)
    return within
