"""The optical channel of a pass: what of the light arrives in each slot, and what of the sky."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative, require_probability, require_within
from haris.nouns.errors import ParameterError
from haris.quantum.optics.free_space.clouds import p_clear
from haris.quantum.optics.free_space.diffraction import (
    divergent_radius_m,
    lobe_radius_m,
    require_divergence,
    require_obscuration,
)
from haris.quantum.optics.free_space.extinction import transmittance, zenith_transmittance
from haris.quantum.optics.free_space.fading import Fading
from haris.quantum.optics.free_space.pointing import jitter
from haris.quantum.optics.free_space.scintillation import aperture_averaging, log_variance, saturated
from haris.quantum.optics.free_space.sky import RADIANCE, Sky, background_photons
from haris.quantum.optics.free_space.spread import spread_radius_m
from haris.quantum.optics.free_space.turbulence import Turbulence, fried_parameter_m, rytov_variance
from haris.quantum.optics.free_space.uplink import broken_share, coherence_m, wander_m

Floats = NDArray[np.float64]


BEST_TRUNCATION = 1.12
"""Radius of an aperture over its beam's that is brightest far away. Source: Klein, Degnan, Appl. Opt. 13, 2134."""
LEAST_APERTURE_M, MOST_APERTURE_M = 1e-3, 100.0
LEAST_DIVERGENCE_RAD = 1e-9
MOST_OPTICS_DB = 1000.0


@dataclass(frozen=True)
class SpaceChannel:
    """Light between a satellite and a station, or between two satellites.

    wavelength_m: of the signal. receiver_m: diameter of the receiver's aperture.
    divergence_rad: full angle of the beam (1/e^2), as measured. sender_m: instead of it, diameter of an aperture that
    sends what diffraction allows, and no real one reaches. direction: "downlink" (the satellite sends), "uplink", or
    "crosslink" from one satellite to another, past all air.
    sender_obscuration, receiver_obscuration: diameter of what stands in the middle of an aperture over its own, of
    sender_m and receiver_m.
    waist_m: radius (1/e^2) of the beam as it is sent. An uplink needs it, whose turbulence it meets first; with
    sender_m it says how the aperture cuts the beam, and by default is the best, sender_m / 2.24.
    pointing_jitter_rad: standard deviation along each of two axes of the sender's aim. receiver_jitter_rad: of the
    receiver's, who misses what leaves his field of view.
    optics_db: loss of the receiver's optics, filters and coupling, detectors apart.
    visibility_m: at the ground; leave it out for clear air. cloud_cover: share of the sky that is clouded, seen from
    below: no loss, but a probability of its own. misalignment: probability that a photon leaves by the wrong port of a
    matched basis.
    view_rad, filter_m: full angle of the receiver's field of view, and width of its spectral filter; 0: no background.
    night_radiance, day_radiance: of what the receiver looks at, W per square metre, steradian and metre of bandwidth.
    sun_keep_out_deg: of a crosslink, how near to the Sun its receiver may not look; what it looks at is then always
    night_radiance.
    wind_m_per_s, ground_cn2: of Hufnagel and Valley's profile.
    Raises ParameterError on a value outside its range, or one that another makes meaningless.
    """

    wavelength_m: float
    receiver_m: float
    divergence_rad: float | None = None
    sender_m: float | None = None
    direction: Literal["downlink", "uplink", "crosslink"] = "downlink"
    sender_obscuration: float = 0.0
    receiver_obscuration: float = 0.0
    waist_m: float = 0.0
    pointing_jitter_rad: float = 0.0
    receiver_jitter_rad: float = 0.0
    optics_db: float = 0.0
    visibility_m: float | None = None
    cloud_cover: float = 0.0
    misalignment: float = 0.0
    view_rad: float = 0.0
    filter_m: float = 0.0
    night_radiance: float = RADIANCE["moonless night"]
    day_radiance: float = RADIANCE["clear day"]
    sun_keep_out_deg: float = 15.0
    wind_m_per_s: float = 21.0
    ground_cn2: float = 1.7e-14

    def __post_init__(self) -> None:
        for name in ("receiver_m", "sender_m", "waist_m"):
            if getattr(self, name) is not None and not (name == "waist_m" and self.waist_m == 0.0):
                require_within(name, getattr(self, name), LEAST_APERTURE_M, MOST_APERTURE_M)
        if self.divergence_rad is not None:
            require_within("divergence_rad", self.divergence_rad, LEAST_DIVERGENCE_RAD, 1.0)
        for name in ("pointing_jitter_rad", "receiver_jitter_rad"):
            require_within(name, getattr(self, name), 0.0, 1.0)
        for name in ("filter_m", "night_radiance", "day_radiance"):
            require_not_negative(name, getattr(self, name))
        require_within("view_rad", self.view_rad, 0.0, np.pi)
        require_within("optics_db", self.optics_db, 0.0, MOST_OPTICS_DB)
        require_within("sun_keep_out_deg", self.sun_keep_out_deg, 0.0, 180.0)
        if self.direction == "crosslink" and (self.visibility_m is not None or self.cloud_cover > 0.0):
            raise ParameterError("visibility_m and cloud_cover are of air, and a crosslink passes none")
        require_probability("misalignment", self.misalignment, at_most=0.5)
        require_probability("cloud_cover", self.cloud_cover)
        require_obscuration(self.receiver_obscuration, "receiver_obscuration")
        require_obscuration(self.sender_obscuration, "sender_obscuration")
        if (self.divergence_rad is None) == (self.sender_m is None):
            raise ParameterError("divergence_rad says how wide the beam is, or sender_m whose it is: one of the two")
        if self.sender_m is None and self.sender_obscuration > 0.0:
            raise ParameterError("sender_obscuration is of sender_m: a measured divergence_rad has it already")
        if self.direction == "uplink" and not self.sent_radius_m > 0.0:
            raise ParameterError("waist_m must be above 0 for an uplink: turbulence spreads a beam by its width")
        if self.receiver_jitter_rad > 0.0 and not self.view_rad > 0.0:
            raise ParameterError("receiver_jitter_rad is beside view_rad, which must be above 0, too")
        for made in (self.zenith, self.sky, self.turbulence):
            assert made is not None
        if self.divergence_rad is not None and self.waist_m > 0.0:
            require_divergence(self.divergence_rad, self.wavelength_m, self.waist_m)

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

    @property
    def sent_radius_m(self) -> float:
        """Radius (1/e^2) of the beam before any aperture cuts it; 0 where nothing is said of it."""
        return self.sender_m / (2.0 * BEST_TRUNCATION) if self.sender_m and not self.waist_m else self.waist_m

    @property
    def leaving_radius_m(self) -> float:
        """Radius of the beam that turbulence meets: no wider than its aperture, which lit evenly acts as its diameter.

        For wander 0.170 of such a disc beside 0.172, for what is left of the phase 0.134 beside 0.115: see uplink.py.
        """
        return self.sent_radius_m if self.sender_m is None else min(self.sent_radius_m, self.sender_m / 2.0)

    def vacuum_radius_m(self, range_m: ArrayLike) -> Floats:
        """Radius (1/e^2) at the receiver without turbulence, any shape."""
        if self.divergence_rad is not None:
            return divergent_radius_m(range_m, self.divergence_rad, self.waist_m)
        assert self.sender_m is not None
        cut = self.sender_m / (2.0 * self.sent_radius_m)
        return lobe_radius_m(range_m, self.wavelength_m, self.sender_m, cut, self.sender_obscuration)

    def beam_radius_m(self, range_m: ArrayLike, elevation_deg: ArrayLike) -> Floats:
        """Radius (1/e^2) at the receiver on average, any shape; turbulence spreads an uplink."""
        radius = self.vacuum_radius_m(range_m)
        if self.direction != "uplink":
            return radius
        fried = fried_parameter_m(self.turbulence, self.wavelength_m, elevation_deg)
        return spread_radius_m(radius, self.wavelength_m, range_m, coherence_m(fried))

    def parts(self, range_m: ArrayLike, elevation_deg: ArrayLike) -> dict[str, Floats]:
        """What transmittance is a product of, by name: diffraction, pointing, air, optics; each of one shape."""
        away = np.asarray(range_m, dtype=np.float64)
        taken = jitter(self.beam_radius_m(away, elevation_deg), self.receiver_m, self.pointing_jitter_rad * away)
        air = self._air(elevation_deg)
        shares = (taken.best, taken.mean / taken.best, air, np.asarray(self.optics))
        return dict(zip(("diffraction", "pointing", "air", "optics"), np.broadcast_arrays(*shares), strict=True))

    def transmittance(self, range_m: ArrayLike, elevation_deg: ArrayLike) -> Floats:
        """Mean share of the photons sent that reach the detectors, any shape: jitter is averaged, clouds left out."""
        away = np.asarray(range_m, dtype=np.float64)
        radius = self.beam_radius_m(away, elevation_deg)
        taken = jitter(radius, self.receiver_m, self.pointing_jitter_rad * away).mean
        return np.asarray(taken * self.optics * self._air(elevation_deg))

    def _air(self, elevation_deg: ArrayLike) -> Floats:
        return np.ones(()) if self.direction == "crosslink" else transmittance(self.zenith, elevation_deg)

    @property
    def optics(self) -> float:
        """Transmittance of the receiver: obscuration, optics, and the share of time that it looks at the sender."""
        seen = 1.0
        if self.receiver_jitter_rad > 0.0:
            ratio = self.view_rad / self.receiver_jitter_rad
            seen = -float(np.expm1(-ratio * ratio / 8.0))
        return float(10.0 ** (-self.optics_db / 10.0) * (1.0 - self.receiver_obscuration**2) * seen)

    def fading(self, range_m: ArrayLike, elevation_deg: ArrayLike) -> Fading:
        """How the light flickers about transmittance, any shape.

        A downlink scintillates as a plane wave, averaged by the receiver's aperture. An uplink's pattern is wider than
        any satellite; its scintillation at a point is a downlink's (by reciprocity, weak), and its beam wanders and is
        broken up: nobody follows it, as a sender would that corrects his aim by light from the satellite. Beside waves
        sent through sampled screens, its fade at 1 % is right to 2 dB for beams of 3 to 25 cm: see
        docs/explanation/optical-channel.md. On a crosslink, only the sender's aim moves.
        """
        away, at = np.broadcast_arrays(
            np.asarray(range_m, dtype=np.float64), np.asarray(elevation_deg, dtype=np.float64)
        )
        deviation = self.pointing_jitter_rad * away
        radius = self.beam_radius_m(away, at)
        if self.direction == "crosslink":
            return Fading(np.zeros(away.shape), jitter(radius, self.receiver_m, deviation).square)
        index = np.expm1(saturated(rytov_variance(self.turbulence, self.wavelength_m, at)))
        if self.direction == "downlink":
            index = index * aperture_averaging(self.turbulence, self.wavelength_m, self.receiver_m, at)
            return Fading(log_variance(index), jitter(radius, self.receiver_m, deviation).square)
        fried = fried_parameter_m(self.turbulence, self.wavelength_m, at)
        wander = wander_m(away, self.wavelength_m, self.leaving_radius_m, fried)
        # The average radius has the wander in it: what wanders is a narrower beam.
        radius = np.sqrt(np.maximum(radius**2 - 4.0 * wander**2, self.vacuum_radius_m(away) ** 2))
        moved = jitter(radius, self.receiver_m, np.hypot(deviation, wander))
        return Fading(log_variance(index), moved.square, broken_share(self.leaving_radius_m, fried))

    def p_clear(self, elevation_deg: ArrayLike) -> Floats:
        """Probability that no cloud stands between, any shape."""
        return p_clear(self.cloud_cover, elevation_deg)

    def background_photons(self, sun_elevation_deg: ArrayLike, gate_s: float) -> Floats:
        """Mean photons of the sky at the detectors in a gate, any shape of the Sun's elevation."""
        radiance = self.sky.radiance(sun_elevation_deg)
        optics = 10.0 ** (-self.optics_db / 10.0) * (1.0 - self.receiver_obscuration**2)
        photons = background_photons(radiance, self.view_rad, self.receiver_m, self.filter_m, gate_s, self.wavelength_m)
        return np.asarray(optics * photons)
