"""Fading: how the light that arrives flickers about its mean, by scintillation and by a beam that moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr, ndtri

Floats = NDArray[np.float64]
HALVINGS = 60
FARTHEST = 40.0
"""Standard deviations, and mean depths of the beam's fades, beyond which no quantile is sought."""


@dataclass(frozen=True, slots=True)
class Fading:
    """Distribution of the transmittance over its mean; arrays of one shape.

    log_variance: sigma^2 of the logarithm, of scintillation (log-normal). square: g^2 of a beam that moves (a share
    u^(1/g^2), u uniform, as pointing.py has it); infinite for one that does not. The two are taken for independent.
    The logarithm is a normal value less an exponential one, so that all of it is in closed form (derived here).
    """

    log_variance: Floats
    square: Floats

    @property
    def _middle(self) -> Floats:
        """Mean of the normal part, such that the whole has mean 1: E[u^(1/g^2)] = g^2 / (1 + g^2)."""
        return np.asarray(np.log1p(1.0 / self.square) - self.log_variance / 2.0)

    def p_below(self, level: ArrayLike) -> Floats:
        """Probability that less than level times the mean arrives; any shape that fits."""
        with np.errstate(divide="ignore"):
            return self._p_below(np.log(np.asarray(level, dtype=np.float64)))

    def _p_below(self, log_level: Floats) -> Floats:
        y = log_level - self._middle
        sigma = np.sqrt(self.log_variance)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = np.where(sigma > 0.0, y / sigma, np.where(y > 0.0, np.inf, -np.inf))
            tail = self.square * y + self.square**2 * self.log_variance / 2.0 + log_ndtr(-z - self.square * sigma)
            moved = np.where(np.isfinite(self.square) & np.isfinite(y), np.exp(np.minimum(tail, 0.0)), 0.0)
        return np.asarray(np.minimum(ndtr(z) + moved, 1.0))

    def quantile(self, p: float) -> Floats:
        """Level that is missed with probability p in (0, 1), over the mean.

        Of scintillation alone exp(sigma Phi^-1(p) - sigma^2/2): both terms lower it for p < 1/2. Where the mean's term
        is added instead, as one reads, light would be made.
        """
        return np.asarray(np.exp(self._log_quantile(p)))

    def margin_db(self, p: float) -> Floats:
        """How far below its mean the light is with probability p in (0, 1), decibels."""
        return np.asarray(-10.0 / np.log(10.0) * self._log_quantile(p))

    def _log_quantile(self, p: float) -> Floats:
        spread = np.sqrt(self.log_variance)
        low = self._middle - FARTHEST * spread + np.log(p) / self.square - FARTHEST / self.square
        high = self._middle + spread * max(ndtri(p), 0.0) + FARTHEST * spread
        for _ in range(HALVINGS):
            middle = (low + high) / 2.0
            below = self._p_below(middle) < p
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2.0)

    def levels(self, n: int) -> Floats:
        """n^2 levels about equally probable, of mean 1: shape (..., n^2)."""
        share = (np.arange(n) + 0.5) / n
        normal = ndtri(share) * np.sqrt(self.log_variance)[..., None]
        moved = np.log(share) / self.square[..., None]
        level = np.exp(normal[..., :, None] + moved[..., None, :]).reshape(*self.square.shape, n * n)
        return np.asarray(level / level.mean(axis=-1, keepdims=True))
