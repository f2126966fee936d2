"""Fading: how the light flickers about its mean, by scintillation, and by a beam that moves or is broken up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfcx, log_ndtr, ndtr, ndtri

Floats = NDArray[np.float64]
HALVINGS = 60
FARTHEST = 40.0
"""Standard deviations, and mean depths of the beam's fades, beyond which no quantile is sought."""


@dataclass(frozen=True, slots=True)
class Fading:
    """Distribution of the transmittance over its mean; arrays of one shape.

    log_variance: sigma^2 of the logarithm, of scintillation (log-normal). square: g^2 of a beam that moves (a share
    u^(1/g^2), u uniform, as pointing.py has it); infinite for one that does not. broken: s of a beam that is broken up
    into speckles (a share v^s, v uniform, whose deep fades at s = 1 are as frequent as those of speckle, an exponential
    law); 0 for one that is whole. The three are taken for independent.
    The logarithm is a normal value less two exponential ones, so that all of it is in closed form (derived here).
    """

    log_variance: Floats
    square: Floats
    broken: Floats | float = 0.0

    def part(self, used: slice) -> Fading:
        """Some of them, next to each other."""
        broken = np.broadcast_to(self.broken, self.square.shape)
        return Fading(self.log_variance[used], self.square[used], broken[used])

    @property
    def _middle(self) -> Floats:
        """Mean of the normal part, such that the whole has mean 1: E[u^s] = 1 / (1 + s)."""
        return np.asarray(np.log1p(1.0 / self.square) + np.log1p(self.broken) - self.log_variance / 2.0)

    @property
    def _weighted(self) -> tuple[tuple[Floats, Floats], ...]:
        """Rate and weight of each exponential of the sum of both: s1/(s1 - s2) of the first, of the second the rest.

        Source: the hypoexponential law. Equal ones are drawn apart by a millionth.
        """
        with np.errstate(divide="ignore"):
            first = np.asarray(1.0 / self.square)
            second = np.broadcast_to(np.asarray(self.broken, dtype=np.float64), first.shape)
            second = np.where(np.abs(first - second) <= 1e-6 * first, first * (1.0 - 1e-6), second)
            apart = np.where(first == second, 1.0, first - second)
            return (self.square, first / apart), (np.asarray(1.0 / second), -second / apart)

    def p_below(self, level: ArrayLike) -> Floats:
        """Probability that less than level times the mean arrives; any shape that fits."""
        with np.errstate(divide="ignore"):
            return self._p_below(np.log(np.asarray(level, dtype=np.float64)))

    def _p_below(self, log_level: Floats) -> Floats:
        y = log_level - self._middle
        sigma = np.sqrt(self.log_variance)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = np.where(sigma > 0.0, y / sigma, np.where(y > 0.0, np.inf, -np.inf))
            below = ndtr(z)
            for rate, weight in self._weighted:
                apart = z + rate * sigma
                # Of a beam that hardly moves the first form is a difference of two great squares.
                tail = np.where(
                    apart < 0.0,
                    rate * y + rate**2 * self.log_variance / 2.0 + log_ndtr(-apart),
                    np.log(erfcx(np.maximum(apart, 0.0) / np.sqrt(2.0)) / 2.0) - z**2 / 2.0,
                )
                below = below + np.where(
                    np.isfinite(rate) & np.isfinite(y), weight * np.exp(np.minimum(tail, 0.0)), 0.0
                )
        return np.asarray(np.clip(below, 0.0, 1.0))

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
        low = self._middle - FARTHEST * spread + (np.log(p) - FARTHEST) * (1.0 / self.square + self.broken)
        high = self._middle + spread * max(ndtri(p), 0.0) + FARTHEST * spread
        for _ in range(HALVINGS):
            middle = (low + high) / 2.0
            below = self._p_below(middle) < p
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2.0)

    def levels(self, n: int) -> Floats:
        """n^2 levels about equally probable, of mean 1: shape (..., n^2).

        Of a normal and an exponential value, and of a second exponential one that a lattice draws beside them.
        """
        share = (np.arange(n) + 0.5) / n
        square, broken = self.square[..., None, None], np.asarray(self.broken)[..., None, None]
        normal = ndtri(share)[:, None] * np.sqrt(self.log_variance)[..., None, None]
        turned = np.log(share)[np.add.outer(3 * np.arange(n), 5 * np.arange(n)) % n]
        logs = (normal + np.log(share) / square + turned * broken).reshape(*self.square.shape, n * n)
        level = np.exp(logs - logs.max(axis=-1, keepdims=True))
        return np.asarray(level / level.mean(axis=-1, keepdims=True))
