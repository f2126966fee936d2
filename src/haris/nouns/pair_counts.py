"""What two senders count who meet at a measurement station: announced pulse pairs by basis and both intensities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_simplex
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Pulse pairs of one block that the station announced, of matched bases, and how many of them are errors.

    clicks, errors: shape (..., 2, k, k): axis -3 is KEY_BASIS, TEST_BASIS of nouns.counts; axes -2 and -1 are Alice's
    and Bob's intensity. int64 when measured, float64 when expected; leading axes are a sweep (of distances, say).
    n_pulses: pulse pairs sent in the block. intensities: mean photon numbers, descending, k of them, the same at both
    ends. p_intensities: the probabilities with which each end drew them.
    Raises ParameterError on shapes that differ, or more errors than clicks.
    """

    n_pulses: float
    intensities: tuple[float, ...]
    p_intensities: tuple[float, ...]
    clicks: NDArray[np.int64] | NDArray[np.float64]
    errors: NDArray[np.int64] | NDArray[np.float64]

    def __post_init__(self) -> None:
        k = len(self.intensities)
        require_simplex("p_intensities", self.p_intensities)
        if self.clicks.shape != self.errors.shape or self.clicks.shape[-3:] != (2, k, k):
            raise ParameterError(
                f"clicks {self.clicks.shape} and errors {self.errors.shape} must both be (..., 2, {k}, {k})"
            )
        if np.any(self.errors < 0) or np.any(self.errors > self.clicks):
            raise ParameterError("errors must lie between 0 and clicks")

    @property
    def signal_qber(self) -> NDArray[np.float64]:
        """Error rate of pairs of signal pulses in each basis, shape (..., 2); 0 where none was announced."""
        clicks = self.clicks[..., 0, 0].astype(np.float64)
        errors = self.errors[..., 0, 0].astype(np.float64)
        rate: NDArray[np.float64] = np.divide(errors, clicks, out=np.zeros_like(errors), where=clicks > 0)
        return rate
