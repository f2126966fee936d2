"""A fibre: length and loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative, require_probability


@dataclass(frozen=True, slots=True)
class Fibre:
    """Single-mode fibre between two sites.

    length_m: length, metres. loss_db_per_km: attenuation at the signal's wavelength.
    fixed_loss_db: connectors and the receiver's optics, independent of the length.
    misalignment: probability that a photon leaves by the wrong port of a matched basis.
    Raises ParameterError on a negative loss or length, or a misalignment above 1/2.
    """

    length_m: float
    loss_db_per_km: float
    fixed_loss_db: float = 0.0
    misalignment: float = 0.0

    def __post_init__(self) -> None:
        require_not_negative("length_m", self.length_m)
        require_not_negative("loss_db_per_km", self.loss_db_per_km)
        require_not_negative("fixed_loss_db", self.fixed_loss_db)
        require_probability("misalignment", self.misalignment, at_most=0.5)

    def transmittance(self, distance_m: ArrayLike | None = None) -> NDArray[np.float64]:
        """Power transmittance at distance_m (any shape; by default this fibre's own length)."""
        length_m = np.asarray(self.length_m if distance_m is None else distance_m, dtype=np.float64)
        return np.asarray(10.0 ** (-(length_m / 1e3 * self.loss_db_per_km + self.fixed_loss_db) / 10.0))
