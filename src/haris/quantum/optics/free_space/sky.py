"""The light of the sky in a receiver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative

Floats = NDArray[np.float64]
PHOTON_J_M = 6.62607015e-34 * 299792458.0
"""Energy of a photon times its wavelength."""
RADIANCE = {"new moon": 15.0, "full moon": 1.5e3, "clear day": 1.5e6, "hazy day": 1.5e7, "cloudy day": 1.5e8}
"""W m^-3 sr^-1 (per metre of bandwidth). Source: Miao, Han, Gong, Zhang, Diao, Guo, New J. Phys. 7, 215 (2005)."""
DUSK_DEG = -18.0
"""Of the Sun: below it, the night is as dark as it gets."""


@dataclass(frozen=True, slots=True)
class Sky:
    """Radiance of the sky by night and by day.

    night_radiance, day_radiance: W per square metre, steradian and metre of bandwidth.
    Raises ParameterError on negative values.
    """

    night_radiance: float = RADIANCE["new moon"]
    day_radiance: float = RADIANCE["clear day"]

    def __post_init__(self) -> None:
        require_not_negative("night_radiance", self.night_radiance)
        require_not_negative("day_radiance", self.day_radiance)

    def radiance(self, sun_elevation_deg: ArrayLike) -> Floats:
        """By the Sun's elevation, any shape: night below -18 degrees, day above 0, and by ratio in between.

        That twilight fades evenly in decibels is assumed; it does so within a factor of some from -3 to -15 degrees.
        """
        share = np.clip(1.0 - np.asarray(sun_elevation_deg, dtype=np.float64) / DUSK_DEG, 0.0, 1.0)
        least = 1e-30  # a sky without light has a logarithm, too
        night, day = np.log(max(self.night_radiance, least)), np.log(max(self.day_radiance, least))
        return np.asarray(np.exp(night + share * (day - night)))


def background_photons(
    radiance: ArrayLike, view_rad: float, aperture_m: float, bandwidth_m: float, gate_s: float, wavelength_m: float
) -> Floats:
    """Mean number of the sky's photons that a telescope takes in a gate; any shape of radiance.

    view_rad: full angle of the field of view. aperture_m: diameter. bandwidth_m: of the spectral filter.
    H Omega A dlambda dt lambda/(h c). By day it is no probability: 1 - exp(-N) is, as clicks.p_click has it.
    Source: Miao et al., New J. Phys. 7, 215 (2005), Eq. (1).
    """
    solid = np.pi * (view_rad / 2.0) ** 2
    area = np.pi * (aperture_m / 2.0) ** 2
    per_radiance = solid * area * bandwidth_m * gate_s * wavelength_m / PHOTON_J_M
    return np.asarray(np.asarray(radiance, dtype=np.float64) * per_radiance)
