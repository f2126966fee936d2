"""Scintillation: how the light that an aperture takes flickers."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.quantum.optics.free_space.turbulence import Turbulence, secant

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

Floats = NDArray[np.float64]
_FIRST, _LAST = -3.0, 5.0
_SHARES = (
    *(-0.0031, -0.0049, -0.0077, -0.0121, -0.0189, -0.0295, -0.0457, -0.0706, -0.1088, -0.1670, -0.2559),
    *(-0.3921, -0.6012, -0.9205, -1.3865, -1.9639, -2.5560, -3.1695, -3.7954, -4.4310, -5.0739, -5.7225),
    *(-6.3755, -7.0320, -7.6913, -8.3529, -9.0163, -9.6812, -10.3472, -11.0143, -11.6822, -12.3507, -13.0198),
)
"""Logarithms of layer_share at q = 10^-3 to 10^5, four to a decade (derived here; the integral is in the tests)."""
_MOST_LOG_SECANT, _ROWS = 7.0, 96


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


def layer_share(ratio: ArrayLike) -> Floats:
    """Share of a plane wave's variance that an aperture is left with, of turbulence in one thin layer; any shape.

    ratio: q = k D^2 / (4 z), z the way from the layer. int x^(-11/6) (1 - cos x) [2 J1(sqrt(q x)) / sqrt(q x)]^2 dx
    over the same at q = 0, of Kolmogorov's spectrum: a cubic spline through 33 values, right to 1 %.
    Source: Tatarskii, The Effects of the Turbulent Atmosphere on Wave Propagation (1971), after
    Churnside, Appl. Opt. 30, 1982 (1991).
    """
    log = np.log10(np.maximum(np.asarray(ratio, dtype=np.float64), 1e-30))
    inside = np.exp(_spline()(np.clip(log, _FIRST, _LAST)))
    # Below, what is missing goes as q^(5/6); above, the share as q^(-7/6).
    missing = (1.0 - inside) * 10.0 ** (5.0 / 6.0 * np.minimum(log - _FIRST, 0.0))
    return np.asarray((1.0 - missing) * 10.0 ** (-7.0 / 6.0 * np.maximum(log - _LAST, 0.0)))


@cache
def _spline() -> CubicSpline:
    from scipy.interpolate import CubicSpline

    return CubicSpline(np.linspace(_FIRST, _LAST, len(_SHARES)), _SHARES)


def aperture_averaging(of: Turbulence, wavelength_m: float, aperture_m: float, elevation_deg: ArrayLike) -> Floats:
    """Share of the variance that is left when an aperture of diameter aperture_m takes the light; any shape.

    A plane wave from space: layer_share of each height, weighed by its part cn2 h^(5/6) of the variance, and laid down
    once by the secant of the zenith's angle: right to 1 %. ITU-R P.1622, Annex 1, has in its place the form of Yura,
    McKinley, Appl. Opt. 22, 3353 (1983), [1 + 1.1 (D^2 sin(el) / (lambda h0))^(7/6)]^-1, which is up to 45 % above.
    """
    logs, shares = _averaging(of, wavelength_m, aperture_m)
    return np.asarray(np.exp(np.interp(np.log(secant(elevation_deg)), logs, shares)))


@lru_cache(maxsize=256)
def _averaging(of: Turbulence, wavelength_m: float, aperture_m: float) -> tuple[Floats, Floats]:
    """Logarithms of the secant, and of the share."""
    height, strength = of.layers()
    weight = strength * height ** (5.0 / 6.0)
    logs = np.linspace(0.0, _MOST_LOG_SECANT, _ROWS)
    over_way = 2.0 * np.pi / wavelength_m * aperture_m**2 / (4.0 * height * np.exp(logs)[:, None])
    return logs, np.log(layer_share(over_way) @ weight / weight.sum())
