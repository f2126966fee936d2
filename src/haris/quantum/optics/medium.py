"""What light passes from one end to the other: a fibre, or the air between two telescopes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Medium(Protocol):
    """Any of them, as single photons meet it."""

    @property
    def length_m(self) -> float:
        """Its own length."""

    @property
    def misalignment(self) -> float:
        """Probability that a photon leaves by the wrong port of a matched basis."""

    def transmittance(self, distance_m: ArrayLike | None = None) -> NDArray[np.float64]:
        """Of power, at distance_m (any shape; by default its own length)."""
