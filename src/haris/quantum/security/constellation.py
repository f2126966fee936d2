"""A square constellation of coherent states, and what its values tell over a Gaussian channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

INTEGRATION = 1e-12
"""Bits a value given up for errors of the integral, which are less."""
_NOISE = np.arange(-8.5, 8.5 + 1e-9, 1.0 / 8.0)
_WEIGHTS = np.exp(-(_NOISE**2) / 2.0) / np.sum(np.exp(-(_NOISE**2) / 2.0))
_AT_ONCE = 1 << 22
"""Numbers that one step of the integral holds."""


@dataclass(frozen=True, slots=True)
class Constellation:
    """Coherent states whose two quadratures are drawn independently from the same levels, symmetric about 0.

    levels_snu: means of a quadrature, shot-noise units, ascending. probabilities: of these levels, sum 1.
    """

    levels_snu: tuple[float, ...]
    probabilities: tuple[float, ...]

    @property
    def modulation_variance_snu(self) -> float:
        """Of either quadrature's mean, twice the mean number of photons."""
        return float(np.dot(self.probabilities, np.square(self.levels_snu)))

    def information(self, snr: ArrayLike) -> Array:
        """Bits that the level of a quadrature tells of a value measured with a normal error; shape of snr.

        snr: signal to noise ratio of the value, at least 0, any shape.
        The mutual information of a discrete input and the Gaussian channel (Ungerboeck, IEEE Trans. Inf. Theory 28, 55
        (1982), Eq. (5)), by the trapezoidal rule, which converges geometrically on such integrands. Never above it, nor
        above the Gaussian capacity log2(1 + snr) / 2.
        """
        snr = np.asarray(snr, dtype=np.float64)
        flat = snr.ravel()
        step = max(1, _AT_ONCE // (_NOISE.size * len(self.levels_snu) ** 2))
        parts = [self._information(flat[begin : begin + step]) for begin in range(0, flat.size, step)]
        bits = np.concatenate([*parts, np.zeros(0)]).reshape(snr.shape) - INTEGRATION
        return np.asarray(np.clip(bits, 0.0, np.log1p(snr) / (2.0 * np.log(2.0))))

    def _information(self, snr: Array) -> Array:
        """Bits by quadrature, shape (n,), with the lower half of the levels, for the upper one is its mirror image."""
        p = np.asarray(self.probabilities)
        half = len(p) // 2
        levels = np.sqrt(snr / self.modulation_variance_snu)[:, None] * np.asarray(self.levels_snu)
        apart = (levels[:, :half, None] - levels[:, None, :])[:, :, None, :]
        exponent = -apart * (apart / 2.0 + _NOISE[None, None, :, None])
        peak = exponent.max(axis=-1)
        likelihood = np.log(np.exp(exponent - peak[..., None]) @ p) + peak
        return np.asarray(-2.0 * np.einsum("nlz,z,l->n", likelihood, _WEIGHTS, p[:half]) / np.log(2.0))
