"""What the parties count in a decoy-state block: measured and expected counts are one type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

KEY_BASIS = 0
TEST_BASIS = 1

Setting = float | NDArray[np.float64]
"""One for the whole sweep, or one at each place of it."""


@dataclass(frozen=True, slots=True)
class DecoyCounts:
    """Sifted clicks and errors of one block by basis and intensity.

    clicks, errors: shape (..., 2, k): axis -2 is KEY_BASIS, TEST_BASIS; axis -1 follows intensities.
    int64 when measured, float64 when expected; leading axes are a sweep (of distances, say).
    n_pulses: pulses sent in the block. intensities: mean photon numbers, descending, k of them.
    p_intensities: the probabilities with which Alice drew them. In a sweep over settings each is an array (...).
    Raises ParameterError on shapes that differ, or more errors than clicks.
    """

    n_pulses: float
    intensities: tuple[Setting, ...]
    p_intensities: tuple[Setting, ...]
    clicks: NDArray[np.int64] | NDArray[np.float64]
    errors: NDArray[np.int64] | NDArray[np.float64]

    def __post_init__(self) -> None:
        k = len(self.intensities)
        p = by_intensity(self.p_intensities)
        if (p <= 0.0).any() or (np.abs(p.sum(axis=-1) - 1.0) > 1e-9).any():
            raise ParameterError(f"p_intensities must be positive and sum to 1, got {self.p_intensities}")
        if self.clicks.shape != self.errors.shape or self.clicks.shape[-2:] != (2, k):
            raise ParameterError(
                f"clicks {self.clicks.shape} and errors {self.errors.shape} must both be (..., 2, {k})"
            )
        if ((self.errors < 0) | (self.errors > self.clicks)).any():
            raise ParameterError("errors must lie between 0 and clicks")

    @property
    def qber(self) -> NDArray[np.float64]:
        """Error rate of each basis over all intensities, shape (..., 2); 0 where nothing clicked."""
        clicks = self.clicks.sum(axis=-1).astype(np.float64)
        errors = self.errors.sum(axis=-1).astype(np.float64)
        rate: NDArray[np.float64] = np.divide(errors, clicks, out=np.zeros_like(errors), where=clicks > 0)
        return rate

    @property
    def sifted_bits(self) -> NDArray[np.float64]:
        """Clicks in equal bases, of both bases and all intensities, shape (...)."""
        return np.asarray(self.clicks.sum(axis=(-2, -1)), dtype=np.float64)

    @property
    def key_qber(self) -> NDArray[np.float64]:
        """Error rate of the key basis, shape (...)."""
        return np.asarray(self.qber[..., KEY_BASIS])


def by_intensity(settings: tuple[Setting, ...]) -> NDArray[np.float64]:
    """One setting for each of k intensities as an array, shape (k,), or (..., k) in a sweep over settings."""
    try:
        return _plain(settings)
    except TypeError:  # arrays, which have no hash
        alike = len({np.shape(each) for each in settings}) == 1
        values = np.array(settings if alike else np.broadcast_arrays(*settings), dtype=np.float64)
        return values.transpose(*range(1, values.ndim), 0)


@lru_cache(maxsize=64)
def _plain(settings: tuple[float, ...]) -> NDArray[np.float64]:
    """Plain numbers, for which each bound asks a dozen times."""
    row = np.array(settings, dtype=np.float64)
    row.flags.writeable = False
    return row
