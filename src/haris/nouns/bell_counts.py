"""What the parties count in a device-independent block: measured and expected counts are one type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

_SIGNS = np.array([[1.0, 1.0], [1.0, -1.0]])


@dataclass(frozen=True, slots=True)
class BellCounts:
    """Rounds of one block: those that make key, and those that test, by Alice's and Bob's setting.

    key_rounds, key_errors: shape (...). test_rounds, agreements (equal outcomes): shape (..., 2, 2), of which the last
    pair of settings is the one that anticorrelates. int64 when measured, float64 when expected; leading axes are a
    sweep. n_pulses: attempts of the block.
    Raises ParameterError on shapes that do not fit, or more errors or agreements than rounds.
    """

    n_pulses: float
    key_rounds: NDArray[np.int64] | NDArray[np.float64]
    key_errors: NDArray[np.int64] | NDArray[np.float64]
    test_rounds: NDArray[np.int64] | NDArray[np.float64]
    agreements: NDArray[np.int64] | NDArray[np.float64]

    def __post_init__(self) -> None:
        shape = (*self.key_rounds.shape, 2, 2)
        if (
            self.key_errors.shape != self.key_rounds.shape
            or not self.test_rounds.shape == self.agreements.shape == shape
        ):
            raise ParameterError(f"test_rounds and agreements must be {shape}, and key_errors {self.key_rounds.shape}")
        for name, some, whole in (
            ("key_errors", self.key_errors, self.key_rounds),
            ("agreements", self.agreements, self.test_rounds),
        ):
            if np.any(some < 0) or np.any(some > whole):
                raise ParameterError(f"{name} must lie between 0 and the rounds")

    def __add__(self, other: BellCounts) -> BellCounts:
        """Counts of both blocks together."""
        rows = "n_pulses", "key_rounds", "key_errors", "test_rounds", "agreements"
        return BellCounts(*(getattr(self, row) + getattr(other, row) for row in rows))

    @property
    def qber(self) -> NDArray[np.float64]:
        """Error rate of the key rounds, shape (...); 0 where there was none."""
        errors = self.key_errors.astype(np.float64)
        rate: NDArray[np.float64] = np.divide(
            errors, self.key_rounds, out=np.zeros_like(errors), where=self.key_rounds > 0
        )
        return rate

    @property
    def chsh(self) -> NDArray[np.float64]:
        """S = E00 + E01 + E10 - E11, shape (...); a pair of settings without rounds counts as uncorrelated."""
        agreed = self.agreements.astype(np.float64)
        share = np.divide(agreed, self.test_rounds, out=np.full_like(agreed, 0.5), where=self.test_rounds > 0)
        return np.asarray((_SIGNS * (2.0 * share - 1.0)).sum(axis=(-2, -1)))

    @property
    def chsh_deviation(self) -> NDArray[np.float64]:
        """Standard deviation of chsh, shape (...): of independent rounds; without any, that of not knowing.

        The share of agreements is taken as (a + 1) / (n + 2), so that a few rounds that all agree promise little.
        """
        n = self.test_rounds.astype(np.float64)
        share = (self.agreements + 1.0) / (n + 2.0)
        return np.asarray(np.sqrt((4.0 * share * (1.0 - share) / np.maximum(n, 1.0)).sum(axis=(-2, -1))))
