"""Interference of two weak coherent pulses at a station, with a relative phase that is known only so well."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import i0, iv

from haris.quantum.optics.station import Station

Array = NDArray[np.float64]

HARMONICS = 24
"""Of the phase that are kept. The n-th is weighed by the Bessel function I_n of about the photons that arrive."""


class Lasers(Protocol):
    """A pair of lasers, one at each end, as SendingSource and PairingSource have them."""

    @property
    def frequency_difference_hz(self) -> float:
        """Standard deviation."""

    @property
    def linewidth_hz(self) -> float:
        """Of both together."""


def turned_variance(lasers: Lasers, station: Station, age_s: ArrayLike) -> Array:
    """Variance of what the relative phase turns by in age_s, square radians; shape of age_s.

    The lasers' residual difference in frequency f and the fibres' drift turn the phase steadily, (2 pi f t)^2 and
    (r t)^2; their linewidths make it diffuse, 2 pi w t.
    """
    t = np.asarray(age_s, dtype=np.float64)
    steady = ((2.0 * np.pi * lasers.frequency_difference_hz) ** 2 + station.phase_drift_rad_per_s**2) * t**2
    return np.asarray(steady + 2.0 * np.pi * lasers.linewidth_hz * t)


def phase_variance(lasers: Lasers, station: Station, age_s: ArrayLike) -> Array:
    """Variance of the relative phase, square radians, age_s after the latest estimate; shape of age_s.

    It has turned since, and n detected photons of a reference fix it to 1/n at best.
    """
    shot = 0.0 if station.reference_photons is None else 1.0 / station.reference_photons
    return np.asarray(turned_variance(lasers, station, age_s) + shot)


def coherence(lasers: Lasers, station: Station) -> Array:
    """Mean of cos(n phi) over the windows between two estimates, n = 1 to HARMONICS, phi a normal phase error."""
    nodes, weights = np.polynomial.legendre.leggauss(32)
    ages_s = station.reference_interval_s * (nodes + 1.0) / 2.0
    n = np.arange(1, HARMONICS + 1)[:, None]
    return np.asarray((np.exp(-(n**2) * phase_variance(lasers, station, ages_s) / 2.0) * weights / 2.0).sum(axis=-1))


def slice_average(width_rad: float) -> Array:
    """Mean of cos(n phi), n = 1 to HARMONICS, over a slice of phases of full width width_rad around 0."""
    return np.asarray(np.sinc(np.arange(1, HARMONICS + 1) * width_rad / (2.0 * np.pi)))


def lone_clicks(
    photons_a: ArrayLike, photons_b: ArrayLike, p_dark: float, visibility: float, harmonics: ArrayLike
) -> tuple[Array, Array]:
    """Probabilities that the favoured detector alone, or the other alone, clicks; broadcast shape.

    photons_a, photons_b: mean photons of the arms that the station would detect. visibility: of the field's modes.
    harmonics: mean of cos(n phi) of the relative phase phi, n = 1 to HARMONICS; zeros for a random phase.
    The favoured detector sees the mean photons s + x cos(phi), the other s - x cos(phi), s = (a + b)/2 and
    x = visibility sqrt(a b). Averages of exp(x cos phi) are sums of Bessel functions, so no small number is the
    difference of large ones.
    """
    a, b = np.asarray(photons_a, dtype=np.float64), np.asarray(photons_b, dtype=np.float64)
    s, x = np.asarray((a + b) / 2.0), np.asarray(visibility * np.sqrt(a * b))
    even, odd = _i0_less_1(x), np.zeros_like(x)
    for n, mean in enumerate(np.asarray(harmonics, dtype=np.float64), start=1):
        if mean != 0.0:
            part = 2.0 * mean * iv(n, x)
            even, odd = (even, odd + part) if n % 2 else (even + part, odd)
    live, dark = 1.0 - p_dark, p_dark * (1.0 - p_dark) * np.exp(-2.0 * s)
    light = np.exp(-2.0 * s) * np.expm1(s)
    favoured = live * (light + np.exp(-s) * (even + odd)) + dark
    other = live * (light + np.exp(-s) * (even - odd)) + dark
    return np.maximum(favoured, 0.0), np.maximum(other, 0.0)


def _i0_less_1(x: Array) -> Array:
    """I_0(x) - 1, by its series where that is small."""
    quarter = x**2 / 4.0
    series = quarter * (1.0 + quarter / 4.0 * (1.0 + quarter / 9.0 * (1.0 + quarter / 16.0 * (1.0 + quarter / 25.0))))
    return np.asarray(np.where(x < 0.5, series, i0(x) - 1.0))
