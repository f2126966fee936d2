"""A beam that goes up through turbulence, which moves it and breaks it up before it has far to go."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
WANDER = 0.345
"""<r^2> over L^2 (lambda / 2 W0)^2 (2 W0 / r0)^(5/3), both axes together."""
PHASE = 1.816
"""Variance of the phase over the beam over (2 W0 / r0)^(5/3), radians squared, wander included."""


def coherence_m(fried_m: ArrayLike) -> Floats:
    """Radius rho0 at the ground of a wave from the satellite, from Fried's parameter; any shape.

    exp(-(rho/rho0)^(5/3)) = exp(-6.88/2 (rho/r0)^(5/3)). Source: Fried, J. Opt. Soc. Am. 56, 1372 (1966).
    """
    return np.asarray(3.44**-0.6 * np.asarray(fried_m, dtype=np.float64))


def wander_m(range_m: ArrayLike, wavelength_m: float, sender_radius_m: float, fried_m: ArrayLike) -> Floats:
    """Standard deviation along each of two axes of a beam's centre at a satellite, moved by turbulence; any shapes.

    sender_radius_m: 1/e^2, W0. <r^2> = 0.345 L^2 (lambda / 2 W0)^2 (2 W0 / r0)^(5/3), both axes together; the average
    radius has it in it, as 2 <r^2> in its square. As horizontal.wander_m, for all turbulence lies low beside the
    range, and the beam is still as wide as it was sent (derived here). Along one axis it is 0.172 (lambda/D)^2
    (D/r0)^(5/3), and the gradient's tilt over a disc lit evenly 0.170: Tyler, J. Opt. Soc. Am. A 11, 358 (1994).
    Andrews and Phillips (2005), section 12.2.3, have 0.54, their share of the average w^2: taken for <r^2>, a beam
    that hardly widens would wander by several of its radii, and fade by a hundred decibels.
    """
    away = np.asarray(range_m, dtype=np.float64)
    ratio = 2.0 * sender_radius_m / np.asarray(fried_m, dtype=np.float64)
    square = WANDER * (away * wavelength_m / (2.0 * sender_radius_m)) ** 2 * ratio ** (5.0 / 3.0)
    return np.asarray(np.sqrt(square / 2.0))


def broken_share(sender_radius_m: float, fried_m: ArrayLike) -> Floats:
    """How far turbulence breaks a beam up into speckles, any shape: 0 of one that only wanders, 1 of speckle alone.

    1 - c^2 of the coherent share c = exp(-s^2), s^2 = 0.115 (2 W0/r0)^(5/3) the variance of the phase that wander
    leaves: 1/2 int int 6.88 (rho/r0)^(5/3) over the beam's field is 1.816 (2 W0/r0)^(5/3), and wander's part of it,
    2 <r^2> over the square of the vacuum's radius, 1.701 (derived here; of a disc lit evenly 0.134 is left, Noll,
    J. Opt. Soc. Am. 66, 207 (1976)).
    It is the variance over the mean squared of a constant field among many random ones, of the same frequency:
    Goodman, Statistical Optics (1985), section 2.9.
    """
    left = PHASE - np.pi**2 / 2.0 * WANDER
    ratio = 2.0 * sender_radius_m / np.asarray(fried_m, dtype=np.float64)
    return np.asarray(-np.expm1(-2.0 * left * ratio ** (5.0 / 3.0)))
