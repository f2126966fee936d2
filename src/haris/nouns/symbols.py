"""One end's values of a block of continuous variables, before anything is known of the channel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.quadratures import Quadratures


@dataclass(frozen=True, slots=True)
class Symbols:
    """Values in shot-noise units, symbol by symbol.

    values: float32, shape (n, 1) where one quadrature of each symbol is measured (that of both ends), (n, 2) where both
    are. Alice's are the means that she gave the light; Bob's are what he measured, the vacuum's variance being 1.
    Raises ParameterError on another type or shape.
    """

    values: NDArray[np.float32] = field(repr=False)

    def __post_init__(self) -> None:
        if self.values.dtype != np.float32 or self.values.ndim != 2 or self.values.shape[1] not in (1, 2):
            shape = self.values.shape
            raise ParameterError(f"values must be float32 of shape (n, 1) or (n, 2), got {self.values.dtype} {shape}")

    @property
    def n_symbols(self) -> int:
        """Of the block."""
        return len(self.values)

    @property
    def n_pulses(self) -> int:
        """The same: states that carry a reference are left out."""
        return len(self.values)

    def part(self, first: int, end: int) -> Symbols:
        """The symbols from first up to end."""
        return Symbols(self.values[first:end])

    def standardised(self, snr: float) -> Quadratures:
        """The values in units of their own deviation, for reconciliation. snr: as estimated.

        Raises ParameterError on an snr that is not above 0, and where all values are alike.
        """
        flat = self.values.reshape(-1)
        deviation = float(flat.std(dtype=np.float64)) if flat.size else 0.0
        if not deviation > 0.0:
            raise ParameterError("values that are all alike have no unit")
        mean = np.float32(flat.mean(dtype=np.float64))
        return Quadratures((flat - mean) / np.float32(deviation), snr)
