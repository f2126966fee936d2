"""What a Bell-state measurement station announces of two coherent pulses, and of two single photons.

Alice's and Bob's phases are random, so that only the average over their difference counts: exp(a cos phi) becomes the
Bessel function I0(a). Bits are compared after the flip that the announced Bell state asks for; misalignment flips one
with a fixed probability. Of a pulse only the mean number of photons that its avalanches stem from counts, so that the
efficiency goes with the transmittance of the arm.
Source: Ma, Razavi, PRA 86, 062319 (2012), appendix, written so that no digits are lost where little light arrives.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import i0e

Floats = NDArray[np.float64]

SERIES_TERMS = 12
"""Of I0 - 1 below an argument of 1, where the rest is under 1e-24."""


def rectilinear(
    photons_a: ArrayLike, photons_b: ArrayLike, p_dark: float, misalignment: float
) -> tuple[Floats, Floats]:
    """Probability of an announcement, and of a wrong one, for a pulse pair in the rectilinear basis.

    photons_a, photons_b: mean photons of either pulse that start avalanches, broadcast to one shape.
    """
    a, b = np.asarray(photons_a, dtype=np.float64), np.asarray(photons_b, dtype=np.float64)
    live, half = 1.0 - p_dark, (a + b) / 2.0
    right = 2.0 * live**2 * np.exp(-half) * _p_click(a / 2.0, p_dark) * _p_click(b / 2.0, p_dark)
    # Equal bits interfere in one polarisation, and the other clicks in the dark.
    one_click = _damped_bessel(np.sqrt(a * b), half) + np.exp(-half) * _p_click(half, p_dark)
    wrong = 2.0 * p_dark * live**2 * one_click
    return _flipped(right, wrong, misalignment)


def diagonal(photons_a: ArrayLike, photons_b: ArrayLike, p_dark: float, misalignment: float) -> tuple[Floats, Floats]:
    """The same in the diagonal basis. A quarter is wrong at least: two photons of one pulse look like one of each."""
    a, b = np.asarray(photons_a, dtype=np.float64), np.asarray(photons_b, dtype=np.float64)
    x, quarter, live = np.sqrt(a * b) / 2.0, (a + b) / 4.0, 1.0 - p_dark
    quiet = live**2 * np.exp(-2.0 * quarter)
    wrong = 2.0 * quiet * (_p_click(quarter, p_dark) ** 2 - 2.0 * live * _damped_bessel(x, quarter))
    wrong = np.maximum(wrong, 0.0)
    right = wrong + 2.0 * live**2 * _damped_bessel(2.0 * x, 2.0 * quarter)
    return _flipped(right, wrong, misalignment)


def single_photons(
    efficiency_a: ArrayLike, efficiency_b: ArrayLike, p_dark: float, misalignment: float
) -> tuple[Floats, Floats]:
    """Yield Y11 of a pair of single photons, in either basis, and its error rate e11 in the diagonal one.

    efficiency_a, efficiency_b: probability that the photon of that arm starts an avalanche. e11 is 1/2 without yield.
    """
    a, b = np.asarray(efficiency_a, dtype=np.float64), np.asarray(efficiency_b, dtype=np.float64)
    live = (1.0 - p_dark) ** 2
    both = live * a * b / 2.0
    noise = live * p_dark * (2.0 * a + 2.0 * b - 3.0 * a * b + 4.0 * (1.0 - a) * (1.0 - b) * p_dark)
    announced = both + noise
    wrong = noise / 2.0 + misalignment * both
    error = np.divide(wrong, announced, out=np.full_like(announced, 0.5), where=announced > 0.0)
    return announced, error


def _flipped(right: Floats, wrong: Floats, misalignment: float) -> tuple[Floats, Floats]:
    return right + wrong, (1.0 - misalignment) * wrong + misalignment * right


def _p_click(photons: Floats, p_dark: float) -> Floats:
    """Click probability of one threshold detector: 1 - (1 - p_dark) exp(-photons)."""
    return np.asarray(p_dark - (1.0 - p_dark) * np.expm1(-photons))


def _damped_bessel(x: Floats, damping: Floats) -> Floats:
    """exp(-damping) (I0(x) - 1) for 0 <= x <= damping: neither cancels for small x nor overflows for large."""
    square = np.minimum(x, 1.0) ** 2 / 4.0
    series = sum((square**k / factorial(k) ** 2 for k in range(SERIES_TERMS, 0, -1)), np.zeros_like(square))
    return np.where(x < 1.0, np.exp(-damping) * series, i0e(x) * np.exp(x - damping) - np.exp(-damping))
