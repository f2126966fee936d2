"""Laser seeding: light that Eve shines into Alice's laser makes her pulses brighter than she believes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import MOST_PHOTONS
from haris.nouns.errors import ParameterError
from haris.quantum.attacks.attack import Secret
from haris.quantum.attacks.beam_splitting import split_secret
from haris.quantum.attacks.pulses import PulseBlock
from haris.quantum.attacks.quadratures import Quadratures
from haris.quantum.emulate.clicks import Arrivals, arrivals
from haris.quantum.families.decoy_bb84 import bb84_parts
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.security.bounds import key_length
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.key_length import Term

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LaserSeeding:
    """Every pulse is `gain` times as bright as its users believe: its mean photon number, or its modulation variance.

    gain: at least 1. hidden: Eve weakens the light on its way by as much, so that as many clicks come as ever; what she
    takes away she keeps. A damaged attenuator does the same to the users.
    Raises ParameterError on a gain below 1.
    """

    NAME: ClassVar[str] = "laser-seeding"
    TITLE: ClassVar[str] = "Alice's pulses are brighter than she believes"
    SOURCE: ClassVar[str] = "Huang et al., Phys. Rev. Applied 12, 064043 (2019)"
    FAMILIES: ClassVar[tuple[str, ...]] = ("decoy-bb84", "gaussian-cv", "discrete-cv")

    gain: float = 2.0
    hidden: bool = True

    def __post_init__(self) -> None:
        if not 1.0 <= self.gain <= MOST_PHOTONS:
            raise ParameterError(f"gain must lie in [1, {MOST_PHOTONS:g}], got {self.gain}")

    @property
    def eve_fraction(self) -> float:
        """She measures nothing on the way."""
        return 0.0

    def arrivals(
        self, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
    ) -> Arrivals:
        """Brighter by gain, and weaker by as much where she hides it."""
        honest = arrivals(source, fibre, detector, distance_m)
        return honest if self.hidden else replace(honest, mean_photons=self.gain * honest.mean_photons)

    def secret_pulses(self, block: PulseBlock) -> Secret:
        """The users' own bound with the true intensities. At most: Eve keeps what is split off, and no more."""
        source, _, _ = bb84_parts(block.parts)
        true = self.gain * np.array(source.intensities)
        passed = block.parts.channel.transmittance(block.distance_m) / (self.gain if self.hidden else 1.0)
        # No pulse has more photons than MOST_PHOTONS where the bound is asked: brighter ones have no key.
        if float(true[0]) > MOST_PHOTONS:
            at_least = np.zeros_like(block.claimed_bits)
        else:
            known = replace(block.counts, intensities=tuple(true.tolist()))
            at_least = np.asarray(key_length(known, block.parts.security).length_bits, dtype=np.float64)
        split = split_secret(block, true, passed, "the users' bound with the true intensities")
        return replace(split, at_least=np.minimum(at_least, block.claimed_bits))

    @property
    def least_source(self) -> str:
        """The modulation is another than the users think."""
        return "the users' bound with the true modulation and transmittance"

    def quadratures(self, honest: GaussianChannel) -> Quadratures:
        """True: gain times the modulation, and less transmittance where she hides it. Seen: only their product."""
        passed = honest.transmittance / (self.gain if self.hidden else 1.0)
        true = replace(
            honest,
            modulation_variance_snu=self.gain * honest.modulation_variance_snu,
            transmittance=np.asarray(passed),
        )
        return Quadratures(true, replace(honest, transmittance=np.asarray(self.gain * passed)))

    def eve_terms(self, true: GaussianChannel) -> tuple[Term, ...]:
        """Nothing further."""
        return ()
