"""The untrusted station between two senders: a beam splitter and four threshold detectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_probability
from haris.quantum.optics.arms import arms
from haris.quantum.optics.fibre import Fibre


@dataclass(frozen=True, slots=True)
class BellStation:
    """A Bell-state measurement by linear optics: a half beam splitter, and two detectors behind each of its ports.

    It announces a pulse pair when exactly two detectors click, one of each polarisation (or time bin): psi- if they lie
    behind different ports, psi+ behind the same one.
    efficiency: probability that a photon at a detector starts an avalanche. p_dark: dark counts per gate of each
    detector. share: of the fibre's length that lies between Alice and the station.
    Raises ParameterError on a value outside [0, 1].
    """

    efficiency: float
    p_dark: float
    share: float = 0.5

    def __post_init__(self) -> None:
        require_probability("efficiency", self.efficiency)
        require_probability("p_dark", self.p_dark)
        require_probability("share", self.share)

    def arms(
        self, fibre: Fibre, distance_m: ArrayLike | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Power transmittance from Alice and from Bob to the station, detectors left out; see optics.arms."""
        return arms(fibre, self.share, distance_m)
