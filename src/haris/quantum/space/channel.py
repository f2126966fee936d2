"""The optical channel of a pass: what of the light arrives in each slot, and what of the sky."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative, require_positive, require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.optics.free_space.diffraction import beam_radius_m, divergent_radius_m, require_obscuration
from haris.quantum.optics.free_space.extinction import transmittance, zenith_transmittance
from haris.quantum.optics.free_space.pointing import jitter
from haris.quantum.optics.free_space.sky import RADIANCE, Sky, background_photons
from haris.quantum.optics.free_space.turbulence import Turbulence, fried_parameter_m, uplink_radius_m

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SpaceChannel:
    """Light between a satellite and a station.

    direction: "downlink" (the satellite sends) or "uplink". wavelength_m: of the signal.
    divergence_rad: full angle of the beam (1/e^2), as measured. receiver_m: diameter of the receiver's aperture.
    receiver_obscuration: diameter of what stands in its middle over its own. pointing_jitter_rad: standard deviation
    along each of two axes. optics_db: loss of the receiver's optics, filters and coupling, detectors apart.
    visibility_m: at the ground; leave it out for clear air. misalignment: probability that a photon leaves by the
    wrong port of a matched basis.
    view_rad, filter_m: full angle of the receiver's field of view, and width of its spectral filter; 0: no background.
    night_radiance, day_radiance: of what the receiver looks at, W per square metre, steradian and metre of bandwidth.
    waist_m: radius (1/e^2) of the beam as it is sent; for an uplink only, whose turbulence it meets first.
    wind_m_per_s, ground_cn2: of Hufnagel and Valley's profile.
    Raises ParameterError on a value outside its range.
    """

    wavelength_m: float
    divergence_rad: float
    receiver_m: float
    direction: Literal["downlink", "uplink"] = "downlink"
    receiver_obscuration: float = 0.0
    pointing_jitter_rad: float = 0.0
    optics_db: float = 0.0
    visibility_m: float | None = None
    misalignment: float = 0.0
    view_rad: float = 0.0
    filter_m: float = 0.0
    night_radiance: float = RADIANCE["new moon"]
    day_radiance: float = RADIANCE["clear day"]
    waist_m: float = 0.0
    wind_m_per_s: float = 21.0
    ground_cn2: float = 1.7e-14

    def __post_init__(self) -> None:
        for name in ("divergence_rad", "receiver_m"):
            require_positive(name, getattr(self, name))
        for name in ("pointing_jitter_rad", "optics_db", "view_rad", "filter_m", "waist_m"):
            require_not_negative(name, getattr(self, name))
        require_probability("misalignment", self.misalignment, at_most=0.5)
        require_obscuration(self.receiver_obscuration)
        if self.direction == "uplink" and not self.waist_m > 0.0:
            raise ParameterError("waist_m must be above 0 for an uplink: turbulence spreads a beam by its width")
        for made in (self.zenith, self.sky, self.turbulence):
            assert made is not None

    @cached_property
    def zenith(self) -> float:
        """Transmittance of the air to the zenith."""
        return zenith_transmittance(self.wavelength_m, np.inf if self.visibility_m is None else self.visibility_m)

    @cached_property
    def sky(self) -> Sky:
        """What the receiver looks at."""
        return Sky(self.night_radiance, self.day_radiance)

    @cached_property
    def turbulence(self) -> Turbulence:
        """The air above the station."""
        return Turbulence(self.wind_m_per_s, self.ground_cn2)

    def beam_radius_m(self, range_m: ArrayLike, elevation_deg: ArrayLike) -> Floats:
        """Radius (1/e^2) at the receiver on average, any shape; turbulence adds to an uplink in squares."""
        radius = divergent_radius_m(range_m, self.divergence_rad, self.waist_m)
        if self.direction == "downlink":
            return radius
        best = beam_radius_m(range_m, self.wavelength_m, self.waist_m)
        fried = fried_parameter_m(self.turbulence, self.wavelength_m, elevation_deg)
        return np.asarray(np.sqrt(radius**2 + uplink_radius_m(best, self.waist_m, fried) ** 2 - best**2))

    def transmittance(self, range_m: ArrayLike, elevation_deg: ArrayLike) -> Floats:
        """Mean share of the photons sent that reach the detectors, any shape: jitter is averaged, clouds left out."""
        away = np.asarray(range_m, dtype=np.float64)
        radius = self.beam_radius_m(away, elevation_deg)
        taken = jitter(radius, self.receiver_m, self.pointing_jitter_rad * away).mean
        optics = 10.0 ** (-self.optics_db / 10.0) * (1.0 - self.receiver_obscuration**2)
        return np.asarray(taken * optics * transmittance(self.zenith, elevation_deg))

    def background_photons(self, sun_elevation_deg: ArrayLike, gate_s: float) -> Floats:
        """Mean photons of the sky at the detectors in a gate, any shape of the Sun's elevation."""
        radiance = self.sky.radiance(sun_elevation_deg)
        optics = 10.0 ** (-self.optics_db / 10.0) * (1.0 - self.receiver_obscuration**2)
        photons = background_photons(radiance, self.view_rad, self.receiver_m, self.filter_m, gate_s, self.wavelength_m)
        return np.asarray(optics * photons)
