"""Decoy bounds of weighted clicks: single photons among clicks that count with unequal weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.quantum.security.tails import hoeffding

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Intensities:
    """What decoy bounds need to know of the source: mean photon numbers, two or three, and their probabilities."""

    values: tuple[float, ...]
    probabilities: tuple[float, ...]

    def tau(self, n: int) -> float:
        """Probability that a pulse has n photons, n = 0 or 1, whatever its intensity."""
        return float(sum(p * np.exp(-mu) * mu**n for p, mu in zip(self.probabilities, self.values, strict=True)))


@dataclass(frozen=True, slots=True)
class Weighted:
    """Clicks by intensity, each with its weight in [0, 1], summed: float64 (..., k), and the squares of the weights.

    Given the photon numbers and weights of all clicks, the intensities are independent draws, so Hoeffding's bound
    holds with the sum of the squared weights in place of the number of clicks.
    """

    clicks: Array
    squares: Array

    @property
    def total(self) -> Array:
        """Over all intensities."""
        return np.asarray(self.clicks.sum(axis=-1))

    def scaled(self, light: Intensities, epsilon: float) -> tuple[Array, Array]:
        """e^mu n / p by intensity, at most and at least; each bound fails with probability epsilon."""
        weight = np.exp(light.values) / np.asarray(light.probabilities)
        deviation = hoeffding(self.squares.sum(axis=-1), epsilon)[..., None]
        return weight * (self.clicks + deviation), weight * (self.clicks - deviation)


EVENTS_ABOVE = {2: 3, 3: 2}
EVENTS_BELOW = {2: 2, 3: 3}
"""Bounds on counts that each estimate leans on, by the number of intensities."""


def single_above(of: Weighted, light: Intensities, epsilon: float) -> Array:
    """Weighted single-photon clicks, at most; EVENTS_ABOVE bounds, each failing with probability epsilon.

    e^mu n_mu / p_mu is a power series in mu whose coefficients are not negative, so that its slope between two
    intensities is at least the first of them. With two intensities the slope from darkness, where it is not negative,
    may be the smaller one. Source: Ma et al., PRA 72, 012326 (2005), Eq. (37), for any kind of click.
    """
    upper, lower = of.scaled(light, epsilon)
    if len(light.values) == 3:
        slope = (upper[..., 1] - lower[..., 2]) / (light.values[1] - light.values[2])
    else:
        mu1, mu2 = light.values
        slope = np.minimum((upper[..., 0] - lower[..., 1]) / (mu1 - mu2), upper[..., 1] / mu2)
    return np.clip(light.tau(1) * slope, 0.0, of.total)


def single_below(of: Weighted, light: Intensities, epsilon: float, empty: Array | None = None) -> Array:
    """Weighted single-photon clicks, at least; EVENTS_BELOW bounds, each failing with probability epsilon.

    empty: weighted clicks of empty pulses, at most; needed with two intensities. Source: Lim et al., PRA 89, 022307
    (2014), Eq. (3), without its term of empty pulses; Rusca et al., APL 112, 171104 (2018), Eq. (A17).
    """
    upper, lower = of.scaled(light, epsilon)
    tau1 = light.tau(1)
    if len(light.values) == 3:
        mu1, mu2, mu3 = light.values
        multi = (mu2**2 - mu3**2) / mu1**2 * upper[..., 0]
        single = tau1 * mu1 * (lower[..., 1] - upper[..., 2] - multi) / (mu1 * (mu2 - mu3) - mu2**2 + mu3**2)
    else:
        assert empty is not None
        mu1, mu2 = light.values
        share = (mu2 / mu1) ** 2
        rest = lower[..., 1] - share * upper[..., 0] - (1.0 - share) * empty / light.tau(0)
        single = tau1 * mu1 * rest / (mu2 * (mu1 - mu2))
    return np.clip(single, 0.0, of.total)
