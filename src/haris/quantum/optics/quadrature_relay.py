"""The untrusted relay between two senders of quadratures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.optics.arms import arms
from haris.quantum.optics.fibre import Fibre


@dataclass(frozen=True, slots=True)
class QuadratureRelay:
    """A half beam splitter, and behind its ports homodyne detectors of one quadrature and of the other.

    It announces both outcomes. Nothing about it needs to be trusted: its loss and noise count as Eve's.
    efficiency: of its detectors, above 0. electronic_noise_snu: variance that the electronics add to each outcome.
    share: of the fibre's length that lies between Alice and the relay.
    correlation: of the noise in the two arms, "worst" for the key, as an entangled pair of Eve's makes it, or "none".
    What the relay shows grows with it, and the bound is of what it shows.
    Raises ParameterError on any other value.
    """

    efficiency: float
    electronic_noise_snu: float = 0.0
    share: float = 0.5
    correlation: Literal["worst", "none"] = "worst"

    def __post_init__(self) -> None:
        require_probability("efficiency", self.efficiency)
        if not self.efficiency > 0.0:
            raise ParameterError(f"efficiency must be above 0, got {self.efficiency}")
        require_not_negative("electronic_noise_snu", self.electronic_noise_snu)
        require_probability("share", self.share)
        if self.correlation not in ("worst", "none"):
            raise ParameterError(f'correlation must be "worst" or "none", got {self.correlation!r}')

    def arms(
        self, fibre: Fibre, distance_m: ArrayLike | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Power transmittance from Alice and from Bob to the detectors' currents; see haris.quantum.optics.arms."""
        alice, bob = arms(fibre, self.share, distance_m)
        return self.efficiency * alice, self.efficiency * bob
