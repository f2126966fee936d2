"""What continuous-variable detection gives: correlated Gaussian values at both ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Quadratures:
    """One end's values of one block, and what estimation said of both ends'.

    values: float32, shape (n,), in units of this end's own standard deviation (variance 1 and mean 0 over the block).
    snr: signal to noise ratio of the channel between the two ends: rho^2 / (1 - rho^2) for correlation rho > 0.

    Raises ParameterError on another type or shape, on values that are not finite, and on an snr that is not above 0.
    """

    values: NDArray[np.float32] = field(repr=False)
    snr: float

    def __post_init__(self) -> None:
        if self.values.dtype != np.float32 or self.values.ndim != 1:
            shape = self.values.shape
            raise ParameterError(f"values must be float32 in one dimension, got {self.values.dtype} of shape {shape}")
        if not bool(np.isfinite(self.values).all()):
            raise ParameterError("values must be finite")
        require_positive("snr", self.snr)

    @property
    def correlation(self) -> float:
        """rho."""
        return math.sqrt(self.snr / (1.0 + self.snr))

    @property
    def mutual_information(self) -> float:
        """Bits that a value of one end tells of the other's: log2(1 + snr) / 2 (Shannon 1948)."""
        return 0.5 * math.log2(1.0 + self.snr)

    def write(self, path: Path) -> None:
        """To an .npz file."""
        octets = BytesIO()
        np.savez(octets, values=self.values, snr=np.float64(self.snr))
        path.write_bytes(octets.getvalue())

    @classmethod
    def read(cls, path: Path) -> Self:
        """From what write has made. Raises ParameterError, naming the file, on anything else."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(file["values"], float(file["snr"]))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ParameterError(f"{path}: no quadratures: {error}") from error
