"""What two ends count who keep at most one bit of each packet of pulses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.photon_counts import error_rate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PacketCounts:
    """Packets kept in one block, and how many of their bits are wrong: float64, shape of a sweep.

    packets: sent in the block. Raises ParameterError on shapes that differ, or an order that cannot be.
    """

    packets: float
    kept: Floats
    errors: Floats

    def __post_init__(self) -> None:
        if self.kept.shape != self.errors.shape:
            raise ParameterError("kept and errors must have one shape")
        if np.any(self.errors < 0.0) or np.any(self.errors > self.kept) or np.any(self.kept > self.packets):
            raise ParameterError("errors must lie among the packets kept, and those among all packets")

    @property
    def qber(self) -> Floats:
        """Error rate of the bits kept; 0 where there are none."""
        return error_rate(self.errors, self.kept, 0.0)
