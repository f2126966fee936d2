"""Calibration of the local oscillator: Eve makes the shot noise less than the users believe, and hides hers in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from haris.nouns.checks import require_not_negative
from haris.nouns.errors import ParameterError
from haris.quantum.attacks.quadratures import Quadratures
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.key_length import Term, term

JOUGUET = "Jouguet, Kunz-Jacques, Diamanti, PRA 87, 062313 (2013)"


@dataclass(frozen=True, slots=True)
class LoCalibration:
    """Eve reshapes the local oscillator, so that Bob's unit of shot noise is less than his calibration says.

    shot_noise_ratio: the true unit over the believed one, r in (0, 1]. excess_noise_snu: that Eve adds, as if at
    the fibre's input, in true units; left out, as much as makes the users' estimate of the noise what it ever was. She
    lets more light through, so that their transmittance does not fall either, as far as the fibre's loss allows.

    The link's own noise grows with the light.
    With a gain g from the fibre's output to a value, noise w there, and electronic noise v of a fixed voltage, Bob's
    values have the variance r (g T V + g w + 1) + v in his units. So he estimates the transmittance r T and the noise
    r w - (1 - r)/g; at the input, xi - (1 - r)/(r g T).
    Raises ParameterError on any other value.
    """

    NAME: ClassVar[str] = "lo-calibration"
    TITLE: ClassVar[str] = "Eve makes the shot noise less than Bob's calibration says"
    SOURCE: ClassVar[str] = JOUGUET
    FAMILIES: ClassVar[tuple[str, ...]] = ("gaussian-cv", "discrete-cv")

    shot_noise_ratio: float = 0.9
    excess_noise_snu: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.shot_noise_ratio <= 1.0:
            raise ParameterError(f"shot_noise_ratio must lie in (0, 1], got {self.shot_noise_ratio}")
        if self.excess_noise_snu is not None:
            require_not_negative("excess_noise_snu", self.excess_noise_snu)

    @property
    def eve_fraction(self) -> float:
        """Her noise is that of an entangling cloner."""
        return 0.0

    @property
    def least_source(self) -> str:
        """What Bob would claim with the right unit."""
        return "the users' bound with the true transmittance, noise and unit"

    def quadratures(self, honest: GaussianChannel) -> Quadratures:
        """True: more light, more noise, and electronics that are louder in true units."""
        r = self.shot_noise_ratio
        unseen = (1.0 - r) / honest.gain
        more = np.minimum(1.0 / r, 1.0 / np.maximum(honest.transmittance, 1e-300))
        transmittance = more * honest.transmittance
        if self.excess_noise_snu is None:
            noise = (honest.noise_snu + unseen) / r
        else:
            noise = more * honest.noise_snu + transmittance * self.excess_noise_snu
        true = replace(
            honest,
            transmittance=np.asarray(transmittance),
            noise_snu=np.asarray(noise),
            electronic_noise_snu=honest.electronic_noise_snu / r,
        )
        seen = replace(honest, transmittance=np.asarray(r * transmittance), noise_snu=np.asarray(r * noise - unseen))
        return Quadratures(true, seen)

    def eve_terms(self, true: GaussianChannel) -> tuple[Term, ...]:
        """The noise that is really there."""
        with np.errstate(divide="ignore", over="ignore"):
            at_input = true.noise_snu / true.transmittance
        return (term("true_excess_noise", at_input, "SNU", "at the fibre's input, in true units", JOUGUET),)
