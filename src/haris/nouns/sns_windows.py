"""One end's half of a block of sending-or-not-sending: what the station announced, and what this end had sent."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

DARK, SENT, EMPTY, WEAK, STRONG = range(5)
"""Settings: a signal window that did not send or did; a decoy window: empty, or of the weaker or stronger kind."""


@dataclass(frozen=True, slots=True)
class SnsWindows:
    """Heralded windows, in ascending order, and this end's settings in them.

    n_pulses: windows of the block. window: int64 numbers; detector: uint8, 0 or 1: both as the station announced them,
    equal at both ends. setting: uint8, DARK to STRONG. phase_rad: float32, of the pulse, against the common reference.
    Raises ParameterError on arrays that differ in length, or windows outside the block.
    """

    n_pulses: int
    window: NDArray[np.int64]
    detector: NDArray[np.uint8]
    setting: NDArray[np.uint8] = field(repr=False)
    phase_rad: NDArray[np.float32] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.window.shape == self.detector.shape == self.setting.shape == self.phase_rad.shape:
            raise ParameterError("window, detector, setting and phase_rad must have the same length")
        if self.window.size and not (
            self.window[0] >= 0 and self.window[-1] < self.n_pulses and np.all(np.diff(self.window) > 0)
        ):
            raise ParameterError("window must ascend from 0 or more to less than n_pulses")
