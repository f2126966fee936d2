"""Scintillation: how the light that an aperture takes flickers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.quantum.optics.free_space.turbulence import Turbulence

Floats = NDArray[np.float64]


def saturated(rytov: ArrayLike) -> Floats:
    """Variance of the logarithm of the irradiance at a point from Rytov's, any shape: the same while it is weak.

    Source: Andrews, Phillips, Laser Beam Propagation through Random Media (2005), chapter 9,
    plane wave.
    """
    square = np.asarray(rytov, dtype=np.float64)
    power = square**1.2
    large = 0.49 * square / (1.0 + 1.11 * power) ** (7.0 / 6.0)
    return np.asarray(large + 0.51 * square / (1.0 + 0.69 * power) ** (5.0 / 6.0))


def log_variance(index: ArrayLike) -> Floats:
    """Variance of the logarithm of a log-normal irradiance whose own variance over its mean squared is index."""
    return np.asarray(np.log1p(np.asarray(index, dtype=np.float64)))


def aperture_averaging(of: Turbulence, wavelength_m: float, aperture_m: float, elevation_deg: ArrayLike) -> Floats:
    """Share of the variance that is left when an aperture of diameter aperture_m takes the light; any shape.

    [1 + 1.1 (D^2 sin(el) / (lambda h0))^(7/6)]^-1, h0 = (integral cn2 h^2 / integral cn2 h^(5/6))^(6/7).
    It is up to 45 % above the integral over Kolmogorov's spectrum, and never below: fading is overstated.
    Source: Yura, McKinley, Appl. Opt. 22, 3353 (1983); ITU-R P.1622, Annex 1.
    """
    scale_m = (of.moment(2.0) / of.moment(5.0 / 6.0)) ** (6.0 / 7.0)
    sine = np.sin(np.radians(np.asarray(elevation_deg, dtype=np.float64)))
    return np.asarray(1.0 / (1.0 + 1.1 * (aperture_m**2 * sine / (wavelength_m * scale_m)) ** (7.0 / 6.0)))
