"""What decoy intensities tell of photon numbers: the estimates that every bound starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import DecoyCounts, Setting, by_intensity
from haris.nouns.errors import ParameterError
from haris.quantum.security.chernoff import mean_above, mean_below
from haris.quantum.security.tails import hoeffding

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Photons:
    """Bounds on how many sifted clicks came from pulses of 0 or 1 photons, float64, shape of the sweep.

    key_, test_: the basis. vacuum, single: clicks of 0-photon and 1-photon pulses. errors: among single clicks of the
    test basis. events: how many statistical bounds this leans on, each of which fails with the epsilon it was given.
    """

    key_vacuum_lower: Array
    key_single_lower: Array
    test_single_lower: Array
    test_errors_upper: Array
    events: int


@dataclass(frozen=True, slots=True)
class Scaled:
    """Counts by intensity, scaled to e^k n_k / p_k, and moved up or down to bound their means.

    Given its photon number, the intensity of a detected pulse is drawn independently of all else, so each count is a
    sum of n independent variables once the photon numbers of the n clicks are given.
    """

    upper: Array
    lower: Array


def require_decoys(intensities: tuple[Setting, ...]) -> None:
    """Raise ParameterError unless there are one or two decoys of the sizes that the estimates need."""
    if len(intensities) not in (2, 3):
        raise ParameterError(f"decoy BB84 has 2 or 3 intensities (1 or 2 decoys), got {len(intensities)}")
    if len(intensities) == 3 and not np.asarray(intensities[0] > intensities[1] + intensities[2]).all():
        raise ParameterError(f"intensities must satisfy mu1 > mu2 + mu3, got {intensities}")
    if len(intensities) == 2 and not np.asarray(intensities[1] > 0.0).all():
        raise ParameterError(f"intensities of a one-decoy protocol must be above 0, got {intensities}")


def photon_probability(n: int, counts: DecoyCounts) -> Array:
    """Probability tau_n that a pulse of the source has n photons, whatever its intensity: shape of the settings."""
    try:
        return _plain_probability(n, counts.intensities, counts.p_intensities)
    except TypeError:  # arrays, which have no hash
        return _probability(n, counts.intensities, counts.p_intensities)


def _probability(n: int, intensities: tuple[Setting, ...], p_intensities: tuple[Setting, ...]) -> Array:
    mu = by_intensity(intensities)
    return np.asarray((by_intensity(p_intensities) * np.exp(-mu) * mu**n).sum(axis=-1) / factorial(n))


_plain_probability = lru_cache(maxsize=64)(_probability)


def weights(counts: DecoyCounts) -> Array:
    """e^k / p_k by intensity, shape (k,), or (..., k) in a sweep over settings."""
    return np.exp(by_intensity(counts.intensities)) / by_intensity(counts.p_intensities)


def scale(of: NDArray[np.int64] | NDArray[np.float64], counts: DecoyCounts, epsilon: float) -> Scaled:
    """Clicks or errors, a basis a row, shape (..., r, k), scaled; each bound fails with probability epsilon.

    By Hoeffding, of all clicks: alike for every intensity, and hard on those that are rare.
    """
    n = np.asarray(of, dtype=np.float64)
    weight = weights(counts)[..., None, :]
    deviation = hoeffding(n.sum(axis=-1, keepdims=True), epsilon)
    return Scaled(weight * (n + deviation), weight * (n - deviation))


def scale_each(of: NDArray[np.int64] | NDArray[np.float64], counts: DecoyCounts, epsilon: float) -> Scaled:
    """As scale, by Chernoff's bound of each count: near sqrt(2 n ln(1/epsilon)) of that count alone."""
    n = np.asarray(of, dtype=np.float64)
    weight = weights(counts)[..., None, :]
    return Scaled(weight * mean_above(n, epsilon), weight * mean_below(n, epsilon))


Scale = Callable[[NDArray[np.int64] | NDArray[np.float64], DecoyCounts, float], Scaled]
"""How counts become bounds on their means: scale or scale_each."""


def within(bound: Array, total: NDArray[np.int64] | NDArray[np.float64]) -> Array:
    """A bound on a part of what was counted, any shape: no less than 0 and no more than all of it."""
    return np.asarray(np.minimum(np.maximum(bound, 0.0), total))
