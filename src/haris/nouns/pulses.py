"""What Alice knows of the light: how each pulse was prepared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Settings:
    """How some pulses were prepared: three uint8 arrays of one length.

    basis: 0 key basis, 1 test basis. bit: 0 or 1. intensity: index into the agreed intensities.
    """

    basis: NDArray[np.uint8]
    bit: NDArray[np.uint8] = field(repr=False)
    intensity: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pulses:
    """Alice's half of one block of light.

    n_pulses: length of the block. start: number of its first pulse in the link's life (pulses are never reused).
    Either key is given (32 octets), and the settings are a keyed counter function of the pulse number, so that
    pulses nobody detected cost nothing; or recorded holds every setting, n_pulses of them.
    """

    n_pulses: int
    start: int = 0
    key: bytes | None = field(default=None, repr=False)
    recorded: Settings | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.key is None) == (self.recorded is None):
            raise ParameterError("Pulses need either a key or recorded settings")
        if self.key is not None and len(self.key) != 32:
            raise ParameterError(f"a pulse key has 32 octets, got {len(self.key)}")
        if self.recorded is not None and len(self.recorded.basis) != self.n_pulses:
            raise ParameterError(f"{len(self.recorded.basis)} recorded settings for {self.n_pulses} pulses")
