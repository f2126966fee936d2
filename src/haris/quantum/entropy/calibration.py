"""How far the measured variance and autocorrelation of a Gaussian noise are to be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.correlation import Correlation


@dataclass(frozen=True, slots=True)
class SpectrumBounds:
    """What finite samples leave open of a noise, except with the epsilon that was asked for.

    least_v2, most_v2: its spectrum, at the frequencies of Correlation.spectrum; least_v2 may be below 0.
    total_most_v2: its variance. peak: at least the spectrum's maximum over its mean.
    """

    least_v2: NDArray[np.float64]
    most_v2: NDArray[np.float64]
    total_most_v2: float
    peak: float


def spectrum_bounds(rms_v: float, noise: Correlation, n_lags: int, x: float) -> SpectrumBounds | None:
    """Bounds on the spectrum of a noise of which rms_v and the first n_lags of the autocorrelation were measured.

    n_lags: 0 where the correlation is known. x: log of 1 / (probability of each bound) over the number of samples; of
    2 + 4 n_lags bounds. Returns None where so few samples say nothing.
    A sum of squares of correlated Gaussian samples is a quadratic form in white ones, with eigenvalues up to the
    spectrum's peak; so is each lag, with eigenvalues of both signs, bounded apart, each from both sides.
    Source: Laurent and Massart, Ann. Stat. 28, 1302 (2000), Lemma 1.
    """
    peak, squares, error = noise.peak, noise.squares, 0.0
    if n_lags:
        lag_error = 4.0 * (2.0 * math.sqrt(x) + 2.0 * x)  # of a normalised lag, for a peak of 1 and up to errors of 1/8
        widened = (2 * n_lags + 1) * lag_error
        if widened >= 0.5:
            return None
        peak /= 1.0 - widened  # the true peak exceeds the measured one by no more than widened of itself
        if peak * lag_error > 0.5:
            return None
        squares, error = peak, widened * peak
    below = 2.0 * math.sqrt(squares * x)
    if below >= 1.0:
        return None
    least_v2, most_v2 = rms_v**2 / (1.0 + below + 2.0 * peak * x), rms_v**2 / (1.0 - below)
    shape = noise.spectrum()
    return SpectrumBounds(least_v2 * (shape - error), most_v2 * (shape + error), most_v2, peak)


def innovation(spectrum_v2: NDArray[np.float64], least_share: float) -> float:
    """Variance that all earlier samples leave open of the next: exp of the mean of the spectrum's log.

    0 where the spectrum falls to less than least_share of its mean anywhere. Source: Kolmogorov and Szego.
    """
    mean = float(np.mean(spectrum_v2))
    if not mean > 0.0 or float(np.min(spectrum_v2)) < least_share * mean:
        return 0.0
    return mean * math.exp(float(np.mean(np.log(spectrum_v2 / mean))))
