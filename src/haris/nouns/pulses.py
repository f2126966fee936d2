"""What Alice knows of the light: how each pulse was prepared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

MOST_SETTING = 15
"""Intensity 3, test basis, bit 1."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How some pulses were prepared: an octet each, bit | basis << 1 | intensity << 2, as recordings hold them.

    basis: 0 key basis, 1 test basis. bit: 0 or 1. intensity: index into the agreed intensities, at most 3.
    Raises ParameterError on other than one row of uint8, or other settings.
    """

    octets: NDArray[np.uint8] = field(repr=False)

    def __post_init__(self) -> None:
        if self.octets.dtype != np.uint8 or self.octets.ndim != 1:
            raise ParameterError(f"settings are one row of uint8, got {self.octets.dtype} {self.octets.shape}")
        if int(self.octets.max(initial=0)) > MOST_SETTING:
            raise ParameterError(f"settings lie in 0..{MOST_SETTING}, got {int(self.octets.max())}")

    @classmethod
    def of(cls, basis: NDArray[np.uint8], bit: NDArray[np.uint8], intensity: NDArray[np.uint8]) -> Settings:
        """Settings of three uint8 rows of one length. Raises ParameterError on a value outside its range."""
        for name, row, most in (("bases", basis, 1), ("bits", bit, 1), ("intensities", intensity, 3)):
            if (greatest := int(row.max(initial=0))) > most:
                raise ParameterError(f"{name} lie in 0..{most}, got {greatest}")
        return cls(bit | basis << np.uint8(1) | intensity << np.uint8(2))

    @property
    def basis(self) -> NDArray[np.uint8]:
        """Of each pulse, uint8."""
        return self.octets >> np.uint8(1) & np.uint8(1)

    @property
    def bit(self) -> NDArray[np.uint8]:
        """Of each pulse, uint8."""
        return self.octets & np.uint8(1)

    @property
    def intensity(self) -> NDArray[np.uint8]:
        """Of each pulse, uint8."""
        return self.octets >> np.uint8(2)


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
        if self.recorded is not None and len(self.recorded.octets) != self.n_pulses:
            raise ParameterError(f"{len(self.recorded.octets)} recorded settings for {self.n_pulses} pulses")
