"""What one site records of entangled light: when one of its four detectors clicked, by the site's own clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class TimeTags:
    """The clicks of a recording in order.

    time_ps: int64, never descending; its zero is the clock's own. channel: uint8, 2 * basis + bit of the detector that
    clicked (0 and 1 key basis, 2 and 3 test basis).
    Raises ParameterError on other types, descending times, or a channel above 3.
    """

    time_ps: NDArray[np.int64]
    channel: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.time_ps.dtype != np.int64 or self.channel.dtype != np.uint8:
            raise ParameterError(f"time_ps is int64 and channel uint8, got {self.time_ps.dtype}, {self.channel.dtype}")
        if self.time_ps.shape != self.channel.shape or self.time_ps.ndim != 1:
            raise ParameterError(f"{self.time_ps.shape} time tags for {self.channel.shape} channels")
        if self.time_ps.size and (np.any(self.time_ps[1:] < self.time_ps[:-1]) or int(self.channel.max()) > 3):
            raise ParameterError("time tags must not descend, and channels lie in 0..3")
