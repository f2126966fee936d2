"""Clicks of pulses with a known number of photons: the model of clicks.py, one photon number at a time."""

from __future__ import annotations

from math import comb, exp, factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.photon_counts import PhotonCounts
from haris.quantum.emulate.clicks import Renewal, click_rates, release_outcomes
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source

Floats = NDArray[np.float64]


def n_photon_outcomes(n: int, eta: ArrayLike, wrong: ArrayLike, p_dark: float) -> Floats:
    """Probabilities that only the right, only the wrong, and both detectors click in a live gate, (..., 3).

    n: photons sent. eta: probability that each starts an avalanche; wrong: share of those that go to the wrong
    detector; both of one shape. Written without differences of near numbers.
    """
    eta, wrong = np.broadcast_arrays(np.asarray(eta, dtype=np.float64), np.asarray(wrong, dtype=np.float64))
    live = 1.0 - p_dark
    shares = eta * (1.0 - wrong), eta * wrong
    # A detector that gets each photon with probability x gets none with (1 - x)^n.
    none = (1.0 - eta) ** n
    at_wrong, at_right = (_power_difference(1.0 - share, 1.0 - eta, n) for share in shares)
    both = _at_both(*shares, n) + p_dark * (at_right + at_wrong) + p_dark**2 * none
    return np.stack([live * (at_right + p_dark * none), live * (at_wrong + p_dark * none), both], axis=-1)


def n_photon_rates(
    n: int, renewal: Renewal, source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
) -> Floats:
    """Clicks per gate of a pulse with n photons among others, shape distance_m.shape + (2, 3).

    [..., aligned or unaligned bases, only right, only wrong or both detectors], each entry given that alignment.
    renewal: of the source as a whole; hold-off and after-pulses follow from what the other pulses do.
    """
    eta = fibre.transmittance(distance_m) * detector.gated_efficiency
    fresh = [n_photon_outcomes(n, eta, wrong, detector.p_dark) for wrong in (fibre.misalignment, 0.5)]
    released = [release_outcomes(np.stack([p[..., 0] + p[..., 2], p[..., 1] + p[..., 2]], axis=-1)) for p in fresh]
    per_gate = renewal.fresh[..., None, None] * np.stack(fresh, axis=-2)
    return np.asarray(per_gate + renewal.releases[..., None, None] * np.stack(released, axis=-2))


def expected_photon_counts(
    source: Source,
    fibre: Medium,
    detector: Detector,
    sifting: Floats,
    most_photons: int,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
    n_intensities: int = 1,
) -> PhotonCounts:
    """Expected sifted bits among n_pulses, by photons up to most_photons: of the first n_intensities, 1 for signals.

    sifting: probability that an outcome becomes a right bit and a wrong one, shape (2, 2, 3): [right or wrong bit,
    aligned or unaligned bases, outcome], the probability of that alignment included.
    Raises ParameterError on a negative n_pulses.
    """
    require_not_negative("n_pulses", n_pulses)
    clicks, renewal = click_rates(source, fibre, detector, distance_m)
    right, wrong = n_pulses * np.einsum("bao,...kao->b...", sifting, clicks[..., :n_intensities, :, :])
    pulses = tuple(zip(source.intensities, source.p_intensities, strict=True))[:n_intensities]
    parts = []
    for n in range(1, most_photons + 1):
        sent = n_pulses * sum(p * exp(-mu) * mu**n / factorial(n) for mu, p in pulses)
        rates = n_photon_rates(n, renewal, source, fibre, detector, distance_m)
        parts.append(sent * np.einsum("bao,...ao->b...", sifting, rates))
    of_right, of_wrong = np.stack(parts, axis=-1)
    return PhotonCounts(n_pulses, right + wrong, wrong, of_right + of_wrong, of_wrong)


def _power_difference(a: Floats, b: Floats, n: int) -> Floats:
    """a^n - b^n for a >= b."""
    return np.asarray((a - b) * sum((a**k * b ** (n - 1 - k) for k in range(n)), np.zeros_like(a)))


def _at_both(a: Floats, b: Floats, n: int) -> Floats:
    """Probability that of n photons, each at one detector with probability a and at the other with b, both get some."""
    parts = (comb(n, i) * a**i * _power_difference(1.0 - a, 1.0 - a - b, n - i) for i in range(1, n))
    return np.asarray(sum(parts, np.zeros_like(a)))
