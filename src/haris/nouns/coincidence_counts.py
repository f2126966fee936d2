"""What the parties count in a block of entangled pairs: measured and expected counts are one type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import KEY_BASIS
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class CoincidenceCounts:
    """Sifted coincidences and errors of one block by basis, shape (..., 2): KEY_BASIS, TEST_BASIS.

    int64 when measured, float64 when expected; leading axes are a sweep. n_pulses: windows of the block.
    Raises ParameterError on shapes that differ, or more errors than coincidences.
    """

    n_pulses: float
    coincidences: NDArray[np.int64] | NDArray[np.float64]
    errors: NDArray[np.int64] | NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.coincidences.shape != self.errors.shape or self.errors.shape[-1:] != (2,):
            raise ParameterError(
                f"coincidences {self.coincidences.shape} and errors {self.errors.shape} must both be (..., 2)"
            )
        if np.any(self.errors < 0) or np.any(self.errors > self.coincidences):
            raise ParameterError("errors must lie between 0 and coincidences")

    @property
    def qber(self) -> NDArray[np.float64]:
        """Error rate of each basis, shape (..., 2); 0 where there was no coincidence."""
        n, errors = self.coincidences.astype(np.float64), self.errors.astype(np.float64)
        rate: NDArray[np.float64] = np.divide(errors, n, out=np.zeros_like(errors), where=n > 0)
        return rate

    @property
    def sifted_bits(self) -> NDArray[np.float64]:
        """Coincidences in equal bases, of both bases, shape (...)."""
        return np.asarray(self.coincidences.sum(axis=-1), dtype=np.float64)

    @property
    def key_qber(self) -> NDArray[np.float64]:
        """Error rate of the key basis, shape (...)."""
        return np.asarray(self.qber[..., KEY_BASIS])
