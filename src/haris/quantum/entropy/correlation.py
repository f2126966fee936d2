"""Correlation of neighbouring samples of a stationary Gaussian noise, and what of a sample the past does not tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

MOST_LAGS = 256
LEAST_POWER = 1e-6
"""Of a spectrum whose mean is 1: below this nothing is certified of a frequency, and the spectrum is no noise's."""
_FREQUENCIES = 2**14
_LEAST_LAG = 1e-6


@dataclass(frozen=True, slots=True)
class Correlation:
    """A noise of variance 1 as a filter of white noise: forward taps over 1 - feedback z^-1, minimum phase.

    lags: autocorrelation at lags 1, 2, ...; further ones are 0 or below 1e-6.
    innovation: variance of a sample when all earlier ones are known exactly.
    """

    forward: tuple[float, ...] = (1.0,)
    feedback: float = 0.0
    lags: tuple[float, ...] = ()

    @property
    def innovation(self) -> float:
        """Share of a sample's variance that all earlier samples do not tell, in (0, 1] (Kolmogorov and Szego)."""
        return min(1.0, self.forward[0] ** 2)

    @property
    def peak(self) -> float:
        """At least the spectrum's maximum, where its mean is 1: the largest eigenvalue of any covariance matrix."""
        if self.feedback:
            return (1.0 + self.feedback) / (1.0 - self.feedback)
        return 1.0 + 2.0 * math.fsum(map(abs, self.lags))

    @property
    def squares(self) -> float:
        """Sum of the squared autocorrelation over all lags: by how much it lessens the samples that count."""
        if self.feedback:
            return (1.0 + self.feedback**2) / (1.0 - self.feedback**2)
        return 1.0 + 2.0 * math.fsum(lag * lag for lag in self.lags)

    def spectrum(self) -> NDArray[np.float64]:
        """Power at 2^14 frequencies around the circle, one for all where samples do not correlate; its mean is 1."""
        if self.forward == (1.0,) and not self.feedback:
            return np.ones(1)
        turn = 2.0 * np.pi * np.arange(_FREQUENCIES) / _FREQUENCIES
        back = 1.0 + self.feedback**2 - 2.0 * self.feedback * np.cos(turn)
        return np.asarray(np.abs(np.fft.fft(self.forward, _FREQUENCIES)) ** 2 / back)

    def colour(
        self, white: NDArray[np.float32], past: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """White noise of variance 1 filtered, and the filter's state for what follows; the first past is start's."""
        from scipy.signal import lfilter

        if self.forward == (1.0,) and not self.feedback:
            return white, past
        forward, back = np.asarray(self.forward, np.float32), np.asarray([1.0, -self.feedback], np.float32)
        coloured, state = lfilter(forward, back, white, zi=past)
        return coloured, state

    def start(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """A stationary state of the filter."""
        length = max(len(self.forward), 2) - 1
        if self.forward == (1.0,) and not self.feedback:
            return np.zeros(length, np.float32)
        settle = len(self.forward) if not self.feedback else 2 + int(-20.0 / math.log(abs(self.feedback)))
        white = rng.standard_normal(settle, np.float32)
        return self.colour(white, np.zeros(length, np.float32))[1]


WHITE = Correlation()


def low_pass(bandwidth_hz: float, clock_hz: float) -> Correlation:
    """Noise behind a low pass of first order (one pole at bandwidth_hz, its -3 dB point), sampled at clock_hz.

    Neighbours correlate by a = exp(-2 pi bandwidth / clock), and 1 - a^2 of the variance is new in each sample.
    """
    feedback = math.exp(-2.0 * math.pi * bandwidth_hz / clock_hz)
    n_lags = int(math.log(_LEAST_LAG) / math.log(feedback)) if feedback > _LEAST_LAG else 0
    lags = tuple(feedback**lag for lag in range(1, n_lags + 1))
    return Correlation((math.sqrt(-math.expm1(-4.0 * math.pi * bandwidth_hz / clock_hz)),), feedback, lags)


def spectrum(lags: tuple[float, ...]) -> NDArray[np.float64]:
    """Power at 2^14 frequencies around the circle, mean 1, of an autocorrelation that ends with lags."""
    full = np.zeros(_FREQUENCIES)
    full[0] = 1.0
    full[1 : len(lags) + 1] = lags
    full[_FREQUENCIES - len(lags) :] = lags[::-1]
    return np.asarray(np.fft.fft(full).real)


def measured(lags: tuple[float, ...], name: str = "autocorrelation") -> Correlation:
    """The noise with this autocorrelation (normalised, lags 1, 2, ..., 0 beyond), by the cepstrum of its spectrum.

    Raises ParameterError, by that name, where no noise has it: its spectrum must exceed 1e-6 of its mean everywhere.
    """
    if len(lags) > MOST_LAGS:
        raise ParameterError(f"{name} must have at most {MOST_LAGS} lags, got {len(lags)}")
    if not all(abs(lag) < 1.0 for lag in lags):
        raise ParameterError(f"{name} must lie in (-1, 1), got {lags}")
    power = spectrum(lags)
    if power.min() < LEAST_POWER:
        raise ParameterError(
            f"{name} must be that of a noise: its spectrum falls to {power.min():.3g} of the mean, "
            f"and must be above {LEAST_POWER:g}"
        )
    cepstrum = np.fft.ifft(np.log(power)).real
    cepstrum[0] *= 0.5
    cepstrum[_FREQUENCIES // 2 :] = 0.0
    taps = np.fft.ifft(np.exp(np.fft.fft(cepstrum))).real[: len(lags) + 1]
    return Correlation(tuple(map(float, taps)), 0.0, lags)
