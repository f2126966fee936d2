"""Pointing: a beam that jitters about the receiver's aperture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Jitter:
    """Distribution of the share collected: best u^(1/square), u uniform in [0, 1]; arrays of one shape.

    best: the share on the axis. mean: best square / (1 + square). square: g^2, infinite without jitter.
    """

    best: Floats
    mean: Floats
    square: Floats


def jitter(radius_m: ArrayLike, aperture_m: float, deviation_m: ArrayLike) -> Jitter:
    """Of a Gaussian beam of radius_m (1/e^2) that a round aperture of diameter aperture_m takes; any shapes.

    deviation_m: standard deviation of the displacement along each of two axes, at the receiver: the angle times the
    distance. The mean is exact, for a beam that jitters is on average a wider one, of w^2 + 4 deviation^2; g^2 follows
    from it. Source: the power law of Farid, Hranilovic, J. Lightwave Technol. 25, 1702 (2007), whose own
    g = w_eq / (2 deviation), with an equivalent radius w_eq, is the same while the beam is wide beside the aperture.
    """
    radius = np.asarray(radius_m, dtype=np.float64)
    narrow = 0.5 * (aperture_m / radius) ** 2
    share = (2.0 * np.asarray(deviation_m, dtype=np.float64) / radius) ** 2
    wide = narrow / (1.0 + share)
    mean = -np.expm1(-wide)
    lost = np.exp(-wide) * -np.expm1(-narrow * share / (1.0 + share))
    with np.errstate(divide="ignore", over="ignore"):
        square = np.where(lost > 0.0, mean / lost, np.inf)
    best, mean, square = np.broadcast_arrays(-np.expm1(-narrow), mean, square)
    return Jitter(np.asarray(best), np.asarray(mean), np.asarray(square))
