"""What Bob knows of the light: when something clicked, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

MOST_CHANNEL = 7


@dataclass(frozen=True, slots=True)
class Detections:
    """Bob's half of one block of light: time tags from the start of the block.

    time_ps: int64, never descending; pulse i of the block is centred at (i + 1/2) clock periods.
    channel: uint8, 2 * basis + bit of the detector that clicked (0 and 1 key basis, 2 and 3 test basis); a double
    click is two tags inside one gate. 4 to 7: of a Bell test, 4 + 2 * direction + bit.
    n_pulses: length of the block in clock periods.
    Raises ParameterError on other types, descending times, or a channel above 7.
    """

    n_pulses: int
    time_ps: NDArray[np.int64]
    channel: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.time_ps.dtype != np.int64 or self.channel.dtype != np.uint8:
            raise ParameterError(f"time_ps is int64 and channel uint8, got {self.time_ps.dtype}, {self.channel.dtype}")
        if self.time_ps.shape != self.channel.shape or self.time_ps.ndim != 1:
            raise ParameterError(f"{self.time_ps.shape} time tags for {self.channel.shape} channels")
        if self.time_ps.size and (
            np.any(self.time_ps[1:] < self.time_ps[:-1]) or int(self.channel.max()) > MOST_CHANNEL
        ):
            raise ParameterError(f"time tags must not descend, and channels lie in 0..{MOST_CHANNEL}")
