"""Intercept and resend: Eve measures and sends on what she found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from haris.nouns.checks import require_probability
from haris.quantum.attacks.attack import Secret
from haris.quantum.attacks.pulses import COVERED, WITNESSED, PulseBlock, shared_bits
from haris.quantum.emulate.clicks import Arrivals, arrivals
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source


@dataclass(frozen=True, slots=True)
class InterceptResend:
    """Eve measures a share of the pulses in a random basis, and resends her result as brightly as it came.

    fraction: of the pulses, in [0, 1]. A quarter of what she touched turns wrong.
    Raises ParameterError on any other value.
    """

    NAME: ClassVar[str] = "intercept-resend"
    TITLE: ClassVar[str] = "Eve measures in a random basis and resends what she found"
    SOURCE: ClassVar[str] = "Bennett et al., J. Cryptology 5, 3 (1992)"
    FAMILIES: ClassVar[tuple[str, ...]] = ("decoy-bb84",)

    fraction: float = 1.0

    def __post_init__(self) -> None:
        require_probability("fraction", self.fraction)

    @property
    def eve_fraction(self) -> float:
        """The share that she measures."""
        return self.fraction

    def arrivals(
        self, source: Source, fibre: Fibre, detector: Detector, distance_m: ArrayLike | None = None
    ) -> Arrivals:
        """The pulses that she leaves alone come as ever."""
        return arrivals(source, fibre, detector, distance_m)

    def secret_pulses(self, block: PulseBlock) -> Secret:
        """Of what Eve touched she either knows the bit, or her result parts Bob's bit from Alice's."""
        alone = (1.0 - self.fraction) * shared_bits(*block.sifted).sum(axis=-1)
        return Secret(block.claimed_bits, np.asarray(alone), COVERED, WITNESSED)
