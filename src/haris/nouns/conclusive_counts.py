"""What two ends count who know a bit only when Bob's outcome is conclusive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.photon_counts import error_rate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ConclusiveCounts:
    """Clicks of one block, those that are conclusive, and how many of these are wrong: float64, shape of a sweep.

    n_pulses: sent in the block. Raises ParameterError on shapes that differ, or an order that cannot be.
    """

    n_pulses: float
    clicks: Floats
    conclusive: Floats
    errors: Floats

    def __post_init__(self) -> None:
        if not self.clicks.shape == self.conclusive.shape == self.errors.shape:
            raise ParameterError("clicks, conclusive and errors must have one shape")
        for less, more in ((0.0, self.errors), (self.errors, self.conclusive), (self.conclusive, self.clicks)):
            if np.any(less > more):
                raise ParameterError("errors must lie among the conclusive clicks, and those among all clicks")
        if np.any(self.clicks > self.n_pulses):
            raise ParameterError("there cannot be more clicks than pulses")

    @property
    def qber(self) -> Floats:
        """Error rate of conclusive clicks; 0 where there are none."""
        return error_rate(self.errors, self.conclusive, 0.0)
