"""The light of the sky in a receiver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative

Floats = NDArray[np.float64]
PHOTON_J_M = 6.62607015e-34 * 299792458.0
"""Energy of a photon times its wavelength."""
RADIANCE = {"moonless night": 15.0, "full moon": 1.5e3, "clear day": 1.5e6, "hazy day": 1.5e7, "cloudy day": 1.5e8}
"""W m^-3 sr^-1 (per metre of bandwidth): orders of magnitude, as later papers quote Miao et al., New J. Phys. 7, 215
(2005). The darkest natural sky, of magnitude 21.9 a square arcsecond, has 3 in the green."""
SUN_DEG = (-18.0, -12.0, -6.0, 0.0, 10.0)
SHARE_OF_DAY = (10.0**-7.49, 10.0**-6.39, 10.0**-3.77, 10.0**-1.42, 1.0)
"""Of the day's light, by the Sun's elevation: 6.5e-4, 8.1e-3, 3.4 and 758 lx over 20,000 lx of a clear sky.
Source: Seidelmann (ed.), Explanatory Supplement to the Astronomical Almanac (1992), illuminance of the Sun."""


@dataclass(frozen=True, slots=True)
class Sky:
    """Radiance of the sky by night and by day.

    night_radiance, day_radiance: W per square metre, steradian and metre of bandwidth.
    Raises ParameterError on negative values.
    """

    night_radiance: float = RADIANCE["moonless night"]
    day_radiance: float = RADIANCE["clear day"]

    def __post_init__(self) -> None:
        require_not_negative("night_radiance", self.night_radiance)
        require_not_negative("day_radiance", self.day_radiance)

    def radiance(self, sun_elevation_deg: ArrayLike) -> Floats:
        """By the Sun's elevation, any shape: day from 10 degrees up, its twilight below, and no less than the night.

        Between the table's elevations twilight fades evenly in decibels, within a factor of 2; that the part of the sky
        that is looked at fades as the whole does is assumed. A dark night begins near -9 degrees.
        """
        share = np.interp(np.asarray(sun_elevation_deg, dtype=np.float64), SUN_DEG, np.log(SHARE_OF_DAY))
        return np.asarray(np.maximum(self.day_radiance * np.exp(share), self.night_radiance))


def background_photons(
    radiance: ArrayLike, view_rad: float, aperture_m: float, bandwidth_m: float, gate_s: float, wavelength_m: float
) -> Floats:
    """Mean number of the sky's photons that a telescope takes in a gate; any shape of radiance.

    view_rad: full angle of the field of view. aperture_m: diameter. bandwidth_m: of the spectral filter.
    H Omega A dlambda dt lambda/(h c). By day it is no probability: 1 - exp(-N) is, as clicks.p_click has it.
    Source: Miao et al., New J. Phys. 7, 215 (2005).
    """
    solid = np.pi * (view_rad / 2.0) ** 2
    area = np.pi * (aperture_m / 2.0) ** 2
    per_radiance = solid * area * bandwidth_m * gate_s * wavelength_m / PHOTON_J_M
    return np.asarray(np.asarray(radiance, dtype=np.float64) * per_radiance)
