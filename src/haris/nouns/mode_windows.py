"""One end's half of a block of mode pairing: what the station announced, and what this end had sent."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

SIGNAL, DECOY, NOTHING = range(3)
"""What an end sends in a window: mu, nu or nothing, the order of p_intensities and of ModePairCounts."""


@dataclass(frozen=True, slots=True)
class ModeWindows:
    """Heralded windows, in ascending order, and what this end sent in them.

    n_pulses: windows of the block. window: int64 numbers; detector: uint8, 0 or 1: both as the station announced them,
    equal at both ends. intensity: uint8, SIGNAL to NOTHING. phase_rad: float32, of the pulse, by this end's own laser.
    Raises ParameterError on arrays that differ in length, or windows outside the block.
    """

    n_pulses: int
    window: NDArray[np.int64]
    detector: NDArray[np.uint8]
    intensity: NDArray[np.uint8] = field(repr=False)
    phase_rad: NDArray[np.float32] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.window.shape == self.detector.shape == self.intensity.shape == self.phase_rad.shape:
            raise ParameterError("window, detector, intensity and phase_rad must have the same length")
        if self.window.size and not (
            self.window[0] >= 0 and self.window[-1] < self.n_pulses and np.all(np.diff(self.window) > 0)
        ):
            raise ParameterError("window must ascend from 0 or more to less than n_pulses")
