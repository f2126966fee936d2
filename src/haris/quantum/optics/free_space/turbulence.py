"""Turbulence along a slant path: profile, Fried's parameter, isoplanatic angle, Rytov variance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_positive, require_within
from haris.nouns.errors import ParameterError

Floats = NDArray[np.float64]
PANELS, POINTS = 20, 20
"""Of the quadrature, in the logarithm of the height: integrals are right to 1e-9."""
MOST_WIND_M_PER_S, MOST_CN2 = 1e3, 1e-6
"""Beyond anything on Earth, where 1e-12 m^(-2/3) is much at the ground."""


@dataclass(frozen=True, slots=True)
class Turbulence:
    """Hufnagel and Valley's profile of the refractive index' structure constant above a station.

    wind_m_per_s: root mean square of the wind aloft; 21 is HV-5/7. ground_cn2: at the ground, m^(-2/3).
    bottom_m, top_m: heights above the station between which it is integrated.
    Raises ParameterError on values outside their range, or a top that is not above the bottom.
    """

    wind_m_per_s: float = 21.0
    ground_cn2: float = 1.7e-14
    bottom_m: float = 1.0
    top_m: float = 30e3

    def __post_init__(self) -> None:
        require_within("wind_m_per_s", self.wind_m_per_s, 0.0, MOST_WIND_M_PER_S)
        require_within("ground_cn2", self.ground_cn2, 0.0, MOST_CN2)
        require_positive("bottom_m", self.bottom_m)
        if not self.bottom_m < self.top_m < np.inf:
            raise ParameterError(f"top_m must be above bottom_m, got {self.top_m:g}")

    def cn2(self, height_m: ArrayLike) -> Floats:
        """Structure constant at heights above the station, m^(-2/3), any shape.

        Source: Valley, Appl. Opt. 19, 574 (1980), after Hufnagel; ITU-R P.1621-2, section 5.1.1.
        """
        h = np.asarray(height_m, dtype=np.float64)
        wind = 0.00594 * (self.wind_m_per_s / 27.0) ** 2 * (1e-5 * h) ** 10 * np.exp(-h / 1000.0)
        return np.asarray(wind + 2.7e-16 * np.exp(-h / 1500.0) + self.ground_cn2 * np.exp(-h / 100.0))

    def moment(self, power: float) -> float:
        """Integral of cn2 h^power over the height."""
        return _moment(self, power)

    def layers(self) -> tuple[Floats, Floats]:
        """Heights, and cn2 times the thickness of the layer that each stands for, shape (n,): a sum is an integral."""
        return _layers(self)


@lru_cache(maxsize=256)
def _layers(of: Turbulence) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    edges = np.linspace(np.log(of.bottom_m), np.log(of.top_m), PANELS + 1)
    half = (edges[1] - edges[0]) / 2.0
    height = np.exp(edges[:-1, None] + half * (nodes + 1.0))
    return height.ravel(), (half * weights * of.cn2(height) * height).ravel()


@lru_cache(maxsize=1024)
def _moment(of: Turbulence, power: float) -> float:
    height, strength = of.layers()
    return float(np.sum(strength * height**power))


def fried_parameter_m(of: Turbulence, wavelength_m: float, elevation_deg: ArrayLike = 90.0) -> Floats:
    """Width r0 of a wavefront that is flat to a radian, of a plane wave from space; any shape.

    [0.423 k^2 sec(z) integral cn2]^(-3/5). Source: Fried, J. Opt. Soc. Am. 56, 1372 (1966).
    """
    return np.asarray((0.423 * _wave_number(wavelength_m) ** 2 * secant(elevation_deg) * of.moment(0.0)) ** -0.6)


def isoplanatic_angle_rad(of: Turbulence, wavelength_m: float, elevation_deg: ArrayLike = 90.0) -> Floats:
    """Angle theta0 within which two waves suffer alike; any shape.

    [2.914 k^2 sec(z)^(8/3) integral cn2 h^(5/3)]^(-3/5). Source: Fried, J. Opt. Soc. Am. 72, 52 (1982).
    """
    slant = secant(elevation_deg) ** (8.0 / 3.0)
    return np.asarray((2.914 * _wave_number(wavelength_m) ** 2 * slant * of.moment(5.0 / 3.0)) ** -0.6)


def rytov_variance(of: Turbulence, wavelength_m: float, elevation_deg: ArrayLike = 90.0) -> Floats:
    """Variance of the logarithm of the irradiance at a point, of a plane wave from space, if it is weak; any shape.

    2.25 k^(7/6) sec(z)^(11/6) integral cn2 h^(5/6). Source: ITU-R P.1622, Annex 1.
    """
    slant = secant(elevation_deg) ** (11.0 / 6.0)
    return np.asarray(2.25 * _wave_number(wavelength_m) ** (7.0 / 6.0) * slant * of.moment(5.0 / 6.0))


def _wave_number(wavelength_m: float) -> float:
    require_positive("wavelength_m", wavelength_m)
    return 2.0 * np.pi / wavelength_m


def secant(elevation_deg: ArrayLike) -> Floats:
    """Way through the air over that to the zenith, of a flat Earth; any shape. ParameterError outside (0, 90]."""
    at = np.asarray(elevation_deg, dtype=np.float64)
    if not np.all((at > 0.0) & (at <= 90.0)):
        raise ParameterError("elevation_deg must lie in (0, 90]")
    return np.asarray(1.0 / np.sin(np.radians(at)))
