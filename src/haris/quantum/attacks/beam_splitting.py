"""Beam splitting: Eve takes for herself the light that the fibre would have lost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from haris.quantum.attacks.attack import COVERED, Secret
from haris.quantum.attacks.pulses import WITNESSED, PulseBlock, shared_bits
from haris.quantum.attacks.quadratures import Quadratures
from haris.quantum.emulate.clicks import Arrivals, arrivals
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo
from haris.quantum.security.key_length import Term, term
from haris.quantum.security.lodewyck2007 import LODEWYCK


@dataclass(frozen=True, slots=True)
class BeamSplitting:
    """Eve puts a fibre without loss and a beam splitter of the same transmittance in place of the fibre.

    Nothing that the users count changes. She keeps what she split off until the bases are told: of a sifted bit she
    knows everything if she holds a photon of its pulse.
    """

    NAME: ClassVar[str] = "beam-splitting"
    TITLE: ClassVar[str] = "Eve keeps the light that the fibre would have lost"
    SOURCE: ClassVar[str] = "Bennett et al., J. Cryptology 5, 3 (1992)"
    FAMILIES: ClassVar[tuple[str, ...]] = ("decoy-bb84", "gaussian-cv", "discrete-cv")

    @property
    def eve_fraction(self) -> float:
        """She measures nothing on the way."""
        return 0.0

    def arrivals(
        self, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
    ) -> Arrivals:
        """As ever."""
        return arrivals(source, fibre, detector, distance_m)

    def secret_pulses(self, block: PulseBlock) -> Secret:
        """Photons of a coherent pulse go either way independently: what Bob got tells nothing of what she has."""
        source, fibre = block.parts.source, block.parts.channel
        assert isinstance(source, Source)
        return split_secret(block, np.array(source.intensities), fibre.transmittance(block.distance_m), COVERED)

    @property
    def least_source(self) -> str:
        """The proof takes all that is lost to be hers, and all noise besides."""
        return COVERED

    def quadratures(self, honest: GaussianChannel) -> Quadratures:
        """As ever."""
        return Quadratures(honest, honest)

    def eve_terms(self, true: GaussianChannel) -> tuple[Term, ...]:
        """What the light that she split off tells of Bob's values, had she no part in the noise."""
        return (
            term(
                "eve_knows",
                holevo(replace(true, noise_snu=np.zeros_like(true.noise_snu))),
                "bits",
                "of Bob's values, a symbol, in the light split off",
                LODEWYCK,
            ),
        )


def split_secret(block: PulseBlock, intensities: np.ndarray, passed: np.ndarray, least: str) -> Secret:
    """What is left where Eve holds the share 1 - passed of pulses of these true intensities. least: source of at_least.

    Every class of arrivals is one intensity.
    """
    right, wrong = block.sifted
    dark = np.exp(-intensities * (1.0 - np.asarray(passed)[..., None]))
    left = np.sum(dark * shared_bits(right, wrong), axis=-1)
    bits = np.sum(right + wrong, axis=-1)
    known = np.divide(np.sum((1.0 - dark) * (right + wrong), axis=-1), bits, out=np.zeros_like(bits), where=bits > 0.0)
    share = term("eve_knows", known, "", "share of the sifted bits that Eve knows", f"{BeamSplitting.SOURCE}")
    return Secret(block.claimed_bits, np.asarray(left), least, WITNESSED, (share,))
