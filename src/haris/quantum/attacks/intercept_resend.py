"""Intercept and resend: Eve measures and sends on what she found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from haris.nouns.checks import require_probability
from haris.quantum.attacks.attack import COVERED, Secret
from haris.quantum.attacks.pulses import WITNESSED, PulseBlock, shared_bits
from haris.quantum.attacks.quadratures import Quadratures
from haris.quantum.emulate.clicks import Arrivals, arrivals
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.key_length import Term


@dataclass(frozen=True, slots=True)
class InterceptResend:
    """Eve measures a share of the pulses in a random basis, and resends her result as brightly as it came.

    fraction: of the pulses, in [0, 1]. A quarter of what she touched turns wrong; quadratures,
    both measured at once, get two units of shot noise more, as if at the fibre's input.
    Raises ParameterError on any other value.
    """

    NAME: ClassVar[str] = "intercept-resend"
    TITLE: ClassVar[str] = "Eve measures in a random basis and resends what she found"
    SOURCE: ClassVar[str] = "Bennett et al., J. Cryptology 5, 3 (1992)"
    FAMILIES: ClassVar[tuple[str, ...]] = ("decoy-bb84", "gaussian-cv", "discrete-cv")

    fraction: float = 1.0

    def __post_init__(self) -> None:
        require_probability("fraction", self.fraction)

    @property
    def eve_fraction(self) -> float:
        """The share that she measures."""
        return self.fraction

    def arrivals(
        self, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
    ) -> Arrivals:
        """The pulses that she leaves alone come as ever."""
        return arrivals(source, fibre, detector, distance_m)

    def secret_pulses(self, block: PulseBlock) -> Secret:
        """Of what Eve touched she either knows the bit, or her result parts Bob's bit from Alice's."""
        alone = (1.0 - self.fraction) * shared_bits(*block.sifted).sum(axis=-1)
        return Secret(block.claimed_bits, np.asarray(alone), COVERED, WITNESSED)

    @property
    def least_source(self) -> str:
        """The proof takes all noise to be hers."""
        return COVERED

    def quadratures(self, honest: GaussianChannel) -> Quadratures:
        """The symbols that she leaves alone come as ever."""
        return Quadratures(honest, honest)

    def eve_terms(self, true: GaussianChannel) -> tuple[Term, ...]:
        """Nothing further."""
        return ()
