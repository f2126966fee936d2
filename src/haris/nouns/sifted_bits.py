"""What one end keeps of coincidences: the basis that both measured in, and its own bit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class SiftedBits:
    """One end's bits of the coincidences measured in one basis at both ends, in order of time.

    basis: uint8, KEY_BASIS or TEST_BASIS of nouns.counts, the same at both ends. bit: uint8 0/1.
    Raises ParameterError on rows of different lengths.
    """

    basis: NDArray[np.uint8]
    bit: NDArray[np.uint8] = field(repr=False)

    def __post_init__(self) -> None:
        if self.basis.shape != self.bit.shape or self.basis.ndim != 1:
            raise ParameterError(f"bases {self.basis.shape} for bits {self.bit.shape}")
