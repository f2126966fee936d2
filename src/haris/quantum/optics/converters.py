"""Analogue to digital and back: what a number of bits adds to a Gaussian signal beside a tone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.errors import ParameterError

MOST_BITS = 24
LEAST_HEADROOM = 2.0
MOST_HEADROOM = 20.0


def require_converter(name: str, bits: int | None, headroom: float) -> None:
    """Raise ParameterError unless bits are 1 to 24 (None: ideal) and the headroom lies in [2, 20] deviations."""
    if bits is not None and not 1 <= bits <= MOST_BITS:
        raise ParameterError(f"{name}_bits must lie in [1, {MOST_BITS}], got {bits}")
    if not LEAST_HEADROOM <= headroom <= MOST_HEADROOM:
        raise ParameterError(
            f"{name}_headroom must lie in [{LEAST_HEADROOM:g}, {MOST_HEADROOM:g}] deviations, got {headroom}"
        )


def require_intensity_noise(name: str, db_per_hz: float | None) -> None:
    """Raise ParameterError unless it is below 0 dB/Hz (None: there is none)."""
    if db_per_hz is not None and not -math.inf < db_per_hz < 0.0:
        raise ParameterError(f"{name} must be finite and below 0, got {db_per_hz}")


def full_scale(tone: ArrayLike, variance: ArrayLike, headroom: float) -> NDArray[np.float64]:
    """Half of the range, set to hold a tone of this amplitude and so many deviations beside it."""
    return np.asarray(np.asarray(tone) + headroom * np.sqrt(variance))


def step(scale: ArrayLike, bits: int) -> NDArray[np.float64]:
    """Between two levels of a range that goes from -scale to scale."""
    return np.asarray(2.0 * np.asarray(scale) / 2.0**bits)


def rounding_variance(scale: ArrayLike, bits: int) -> NDArray[np.float64]:
    """Of a sample whose signal goes over many steps: step^2 / 12 (Bennett, Bell Syst. Tech. J. 27, 446 (1948))."""
    return np.asarray(step(scale, bits) ** 2 / 12.0)


def overload_variance(variance: ArrayLike, headroom: float) -> NDArray[np.float64]:
    """At most what cutting at both ends of the range takes from a sample, as a variance.

    As if the tone stood at its peak all the time, at both ends: 2 v ((1 + k^2) Q(k) - k phi(k)), k the headroom.
    """
    tail = math.erfc(headroom / math.sqrt(2.0)) / 2.0
    density = math.exp(-(headroom**2) / 2.0) / math.sqrt(2.0 * math.pi)
    cut = max((1.0 + headroom**2) * tail - headroom * density, 0.0)
    return np.asarray(2.0 * cut * np.asarray(variance))
