"""How far turbulence spreads a beam, its wander included."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
LEAST_LOG, MOST_LOG, POINTS = -60.0, 6.0, 1200
"""Of the trapezia, in the logarithm: they are right to 1e-9."""
WEAKEST, STRONGEST, ROWS = 1e-8, 1e8, 800
"""Of the table of dimming; between its rows it is right to 1e-4. Below, light is not dimmed; above, as a^(6/5)."""


def spread_radius_m(radius_m: ArrayLike, wavelength_m: float, length_m: ArrayLike, coherence_m: ArrayLike) -> Floats:
    """Radius (1/e^2) of the Gaussian beam as bright on the axis as a beam of radius_m (vacuum) is on average.

    Any one shape. length_m: of the way. coherence_m: radius rho0 of a wave from the receiver where the beam is sent,
    whose coherence is exp(-(rho/rho0)^(5/3)). Spread and wander together (long-term). By Huygens and Fresnel,
    <I> = int exp(-u - a u^(5/6)) du of what it would be in vacuum, with a = (sqrt(8) L / (k w rho0))^(5/3), for any
    strength (derived here; a Gaussian law of 5/3, as Andrews and Phillips (2005), section 12.2.3, print it for uplinks,
    is up to 4 % wider).
    """
    w, away, rho = (np.asarray(value, dtype=np.float64) for value in (radius_m, length_m, coherence_m))
    a = (np.sqrt(8.0) * away * wavelength_m / (2.0 * np.pi * w * rho)) ** (5.0 / 3.0)
    return np.asarray(w * np.sqrt(1.0 + _dimming(a)))


def _dimming(a: Floats) -> Floats:
    """1 / int exp(-u - a u^(5/6)) du - 1, any shape; straight between its logarithms."""
    logs, found = _table()
    with np.errstate(divide="ignore"):
        log = np.log(a)
    beyond = 1.2 * np.maximum(log - logs[-1], 0.0)
    return np.asarray(np.where(a < WEAKEST, 0.0, np.exp(np.interp(log, logs, found) + beyond)))


@cache
def _table() -> tuple[Floats, Floats]:
    x, step = np.linspace(LEAST_LOG, MOST_LOG, POINTS, retstep=True)
    u = np.exp(x)
    logs = np.linspace(np.log(WEAKEST), np.log(STRONGEST), ROWS)
    # What is lost is summed, for near 1 the difference would lose its digits.
    lost = step * np.sum(u * np.exp(-u) * -np.expm1(-np.exp(logs)[:, None] * u ** (5.0 / 6.0)), axis=1)
    left = step * np.sum(u * np.exp(-u - np.exp(logs)[:, None] * u ** (5.0 / 6.0)), axis=1)
    return logs, np.log(lost / left)
