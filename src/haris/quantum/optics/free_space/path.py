"""The air between two telescopes on the ground, as a medium of a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative, require_positive, require_probability
from haris.quantum.optics.free_space.diffraction import (
    beam_radius_m,
    divergent_radius_m,
    require_divergence,
    require_obscuration,
)
from haris.quantum.optics.free_space.extinction import horizontal_transmittance
from haris.quantum.optics.free_space.fading import Fading
from haris.quantum.optics.free_space.horizontal import (
    aperture_share,
    beam_share,
    coherence_radius_m,
    rytov_plane,
    wander_m,
)
from haris.quantum.optics.free_space.pointing import jitter
from haris.quantum.optics.free_space.scintillation import log_variance, saturated
from haris.quantum.optics.free_space.sky import background_photons
from haris.quantum.optics.free_space.spread import spread_radius_m

Floats = NDArray[np.float64]


class Exposed(Protocol):
    """A receiver that light of the surroundings reaches."""

    def open_s(self, clock_hz: float) -> float:
        """How long a gate or window is open."""

    def lit(self, photons: float, /) -> Self:
        """As it counts where so many photons of the surroundings come while it is open, on average."""


Lit = TypeVar("Lit", bound=Exposed)


@dataclass(frozen=True, slots=True)
class FreeSpacePath:
    """Air between two telescopes on the ground, the same along the whole of a level path.

    length_m: of the path. wavelength_m: of the signal. waist_m: radius (1/e^2) of the beam as it is sent.
    receiver_m: diameter of the receiver's aperture. visibility_m: of the air, infinite for none.
    divergence_rad: full angle of the beam (1/e^2) as measured, no less than diffraction's, which it is if left out.
    receiver_obscuration: diameter of what stands in its middle over its own. pointing_jitter_rad: standard deviation
    along each of two axes. optics_db: loss of the receiver's optics, filters and coupling, detectors apart.
    cn2: structure constant of turbulence, m^(-2/3), from 1e-17 by a calm night to 1e-13 over sunlit ground.
    misalignment: probability that a photon leaves by the wrong port of a matched basis.
    view_rad, filter_m: full angle of the receiver's field of view, and width of its spectral filter; 0: no background.
    radiance: of what the receiver looks at, W per square metre, steradian and metre of bandwidth: 15 by night, 1.5e6 by
    day; what is behind the sender may be brighter than the sky.
    Raises ParameterError on a value outside its range.
    """

    length_m: float
    wavelength_m: float
    waist_m: float
    receiver_m: float
    visibility_m: float
    divergence_rad: float | None = None
    receiver_obscuration: float = 0.0
    pointing_jitter_rad: float = 0.0
    optics_db: float = 0.0
    cn2: float = 0.0
    misalignment: float = 0.0
    view_rad: float = 0.0
    filter_m: float = 0.0
    radiance: float = 0.0

    def __post_init__(self) -> None:
        for name in ("wavelength_m", "waist_m", "receiver_m"):
            require_positive(name, getattr(self, name))
        for name in ("length_m", "pointing_jitter_rad", "optics_db", "cn2", "view_rad", "filter_m", "radiance"):
            require_not_negative(name, getattr(self, name))
        require_probability("misalignment", self.misalignment, at_most=0.5)
        require_obscuration(self.receiver_obscuration, "receiver_obscuration")
        horizontal_transmittance(self.wavelength_m, self.visibility_m, 0.0)
        if self.divergence_rad is not None:
            require_divergence(self.divergence_rad, self.wavelength_m, self.waist_m)

    def transmittance(self, distance_m: ArrayLike | None = None) -> Floats:
        """Mean share of the photons sent that reach the detectors, at distance_m (any shape; by default its length)."""
        shares = self.parts(distance_m).values()
        return np.asarray(np.prod(np.broadcast_arrays(*shares), axis=0))

    def parts(self, distance_m: ArrayLike | None = None) -> dict[str, Floats]:
        """What transmittance is a product of, by name; turbulence's spread is in diffraction."""
        away = self._away(distance_m)
        taken = jitter(self.beam_radius_m(away), self.receiver_m, self.pointing_jitter_rad * away)
        return {
            "diffraction": taken.best,
            "pointing": taken.mean / taken.best,
            "air": horizontal_transmittance(self.wavelength_m, self.visibility_m, away),
            "optics": np.asarray(10.0 ** (-self.optics_db / 10.0) * (1.0 - self.receiver_obscuration**2)),
        }

    def vacuum_radius_m(self, distance_m: ArrayLike | None = None) -> Floats:
        """Radius (1/e^2) at the receiver without turbulence."""
        away = self._away(distance_m)
        if self.divergence_rad is None:
            return beam_radius_m(away, self.wavelength_m, self.waist_m)
        return divergent_radius_m(away, self.divergence_rad, self.waist_m)

    def beam_radius_m(self, distance_m: ArrayLike | None = None) -> Floats:
        """Radius (1/e^2) at the receiver on average: what turbulence spreads and moves is in it."""
        away = self._away(distance_m)
        coherence = coherence_radius_m(self.cn2, self.wavelength_m, away)
        return spread_radius_m(self.vacuum_radius_m(away), self.wavelength_m, away, coherence)

    def fading(self, distance_m: ArrayLike | None = None) -> Fading:
        """How the light flickers about transmittance: scintillation, averaged by the aperture, pointing and wander."""
        away = self._away(distance_m)
        vacuum = self.vacuum_radius_m(away)
        diffraction = self.wavelength_m * away / (np.pi * vacuum**2)
        sent = self.wavelength_m * away / (np.pi * self.waist_m**2)
        # Theta0^2 + Lambda0^2 = (w / w0)^2, and Theta = Theta0 / (the sum).
        curved = np.sqrt(np.maximum((vacuum / self.waist_m) ** 2 - sent**2, 0.0)) * (self.waist_m / vacuum) ** 2
        rytov = rytov_plane(self.cn2, self.wavelength_m, away) * beam_share(diffraction, curved)
        index = np.expm1(saturated(rytov)) * aperture_share(self.wavelength_m, away, self.receiver_m)
        wander = wander_m(self.cn2, away, self.waist_m, vacuum)
        # The average radius has the wander in it: what wanders is a narrower beam.
        narrow = np.sqrt(np.maximum(self.beam_radius_m(away) ** 2 - 4.0 * wander**2, vacuum**2))
        deviation = np.hypot(self.pointing_jitter_rad * away, wander)
        return Fading(log_variance(index), jitter(narrow, self.receiver_m, deviation).square)

    def background_photons(self, gate_s: float) -> float:
        """Mean photons of the surroundings at the detectors in a gate."""
        optics = 10.0 ** (-self.optics_db / 10.0) * (1.0 - self.receiver_obscuration**2)
        taken = background_photons(
            self.radiance, self.view_rad, self.receiver_m, self.filter_m, gate_s, self.wavelength_m
        )
        return float(optics * taken)

    def lit(self, detector: Lit, clock_hz: float) -> Lit:
        """The detector as it counts behind this path: a photon of the surroundings is one dark count more."""
        return detector.lit(self.background_photons(detector.open_s(clock_hz)))

    def _away(self, distance_m: ArrayLike | None) -> Floats:
        return np.asarray(self.length_m if distance_m is None else distance_m, dtype=np.float64)
