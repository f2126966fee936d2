"""Pointing: a beam that jitters about the receiver's aperture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Jitter:
    """Distribution of the share collected: best u^(1/square), u uniform in [0, 1]; arrays of one shape.

    best: the share on the axis. square: g^2, of the equivalent beam's radius over twice the deviation.
    """

    best: Floats
    square: Floats

    @property
    def mean(self) -> Floats:
        """best g^2 / (1 + g^2); best without jitter."""
        return np.asarray(self.best / (1.0 + 1.0 / self.square))


def jitter(radius_m: ArrayLike, aperture_m: float, deviation_m: ArrayLike) -> Jitter:
    """Of a Gaussian beam of radius_m (1/e^2) that a round aperture of diameter aperture_m takes; any shapes.

    deviation_m: standard deviation of the displacement along each of two axes, at the receiver: the angle times the
    distance. 0: no jitter. Source: Farid, Hranilovic, J. Lightwave Technol. 25, 1702 (2007), Eqs. (9) to (11).
    """
    w = np.asarray(radius_m, dtype=np.float64)
    v = np.sqrt(np.pi / 2.0) * aperture_m / 2.0 / w
    equivalent_square = w**2 * np.sqrt(np.pi) * erf(v) / (2.0 * v * np.exp(-(v**2)))
    with np.errstate(divide="ignore"):
        square = equivalent_square / (2.0 * np.asarray(deviation_m, dtype=np.float64)) ** 2
    best, square = np.broadcast_arrays(erf(v) ** 2, square)
    return Jitter(np.asarray(best), np.asarray(square))
