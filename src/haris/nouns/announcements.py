"""What a sender knows of pulses that met another's at a station: what was announced, and how it sent them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Settings

PSI_MINUS = 0
PSI_PLUS = 1


@dataclass(frozen=True, slots=True)
class Announcements:
    """One sender's half of a block at a Bell-state measurement station.

    n_pulses: pulse pairs of the block. index: int64, which of them the station announced, ascending. bell: uint8, the
    state of each, PSI_MINUS or PSI_PLUS. settings: of this sender's own pulses among them.
    Raises ParameterError on other types, rows of different length, or pulses that do not ascend within the block.
    """

    n_pulses: int
    index: NDArray[np.int64]
    bell: NDArray[np.uint8]
    settings: Settings = field(repr=False)

    def __post_init__(self) -> None:
        if self.index.dtype != np.int64 or self.bell.dtype != np.uint8:
            raise ParameterError(f"index is int64 and bell uint8, got {self.index.dtype}, {self.bell.dtype}")
        if not self.index.shape == self.bell.shape == self.settings.octets.shape:
            raise ParameterError(
                f"{self.index.shape} pulses, {self.bell.shape} states, {self.settings.octets.shape} settings"
            )
        if int(self.bell.max(initial=0)) > PSI_PLUS:
            raise ParameterError(f"Bell states lie in 0..{PSI_PLUS}, got {int(self.bell.max())}")
        if self.index.size and (
            np.any(self.index[1:] <= self.index[:-1]) or self.index[0] < 0 or self.index[-1] >= self.n_pulses
        ):
            raise ParameterError(f"announced pulses must ascend within [0, {self.n_pulses})")
