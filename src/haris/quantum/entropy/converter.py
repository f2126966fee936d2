"""An analogue-to-digital converter: what it makes of a voltage, and how well its code is guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, eval_hermitenorm, ndtr, ndtri

from haris.nouns.checks import require_not_negative
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import MOST_BITS, Codes, code_type
from haris.quantum.entropy.source import SampleStatistics

MOST_DNL_LSB = 0.99
LEAST_V, MOST_V = 1e-9, 1e9
LEAST_HZ, MOST_HZ = 1e-3, 1e15
_HERMITE_ORDERS = 24
_FARTHEST, _MEANS = 12.0, 1201

Volts = TypeVar("Volts", float, NDArray[np.float64])


def require_bits(name: str, bits: int) -> None:
    """Raise ParameterError unless a sample may have so many bits."""
    if not 1 <= bits <= MOST_BITS:
        raise ParameterError(f"{name} must lie in [1, {MOST_BITS}], got {bits}")


def require_volts(name: str, value: float) -> None:
    """Raise ParameterError unless a voltage lies within a billion of 1 V."""
    if not LEAST_V <= value <= MOST_V:
        raise ParameterError(f"{name} must lie in [{LEAST_V:g}, {MOST_V:g}] V, got {value}")


def require_clock(name: str, value: float) -> None:
    """Raise ParameterError unless something may come so many times a second."""
    if not LEAST_HZ <= value <= MOST_HZ:
        raise ParameterError(f"{name} must lie in [{LEAST_HZ:g}, {MOST_HZ:g}] Hz, got {value}")


def reach_sigma(n_samples: int, epsilon: float) -> float:
    """How many standard deviations n_samples Gaussian numbers all stay within, except with probability epsilon."""
    return -float(ndtri(epsilon / (2.0 * n_samples)))


@dataclass(frozen=True, slots=True)
class Converter:
    """Codes 0 to 2^bits - 1 of a voltage; what lies outside goes to the first or the last code.

    range_v: R; a step is 2R / 2^bits, code j is centred at -R + j steps, so that 2^(bits-1) is 0 V (Haw et al. 2015).
    dnl_lsb: differential nonlinearity, by which the widest code exceeds a step; even codes are
    taken to be so much wider, odd ones narrower.
    Raises ParameterError on anything out of range.
    """

    bits: int
    range_v: float
    dnl_lsb: float = 0.0

    def __post_init__(self) -> None:
        require_bits("bits", self.bits)
        require_volts("range_v", self.range_v)
        require_not_negative("dnl_lsb", self.dnl_lsb)
        if self.dnl_lsb > MOST_DNL_LSB:
            raise ParameterError(f"dnl_lsb must lie in [0, {MOST_DNL_LSB}]: a code is missing, got {self.dnl_lsb}")

    @property
    def step_v(self) -> float:
        """Width of a code."""
        return 2.0 * self.range_v / 2.0**self.bits

    def thresholds_v(self) -> NDArray[np.float64]:
        """The 2^bits - 1 voltages between neighbouring codes, ascending."""
        upper = np.arange(1, 2**self.bits)
        shift = np.where(upper % 2 == 1, 0.5, -0.5) * self.dnl_lsb
        return (upper - 0.5 + shift) * self.step_v - self.range_v

    def digitise(self, signal: NDArray[np.floating], gain_v: float = 1.0, offset_v: float = 0.0) -> Codes:
        """The code of each voltage gain_v x signal + offset_v, uint8 or uint16, shape of signal."""
        codes = signal * (gain_v / self.step_v)
        codes += offset_v / self.step_v + 2.0 ** (self.bits - 1) + 0.5
        if self.dnl_lsb:
            codes -= np.where(np.rint(codes) % 2 == 1, 0.5, -0.5) * self.dnl_lsb
        np.clip(codes, 0.0, 2.0**self.bits - 0.5, out=codes)
        digitised: Codes = codes.astype(code_type(self.bits))  # type: ignore[assignment]
        return digitised

    def worst_guess(self, sd_least_v: float, sd_most_v: float, lowest_v: float, highest_v: float) -> float:
        """Largest probability of any code of a Gaussian voltage, whatever its mean between lowest_v and highest_v.

        Its standard deviation lies between sd_least_v (above 0) and sd_most_v.
        Source: Haw, Assad, Lance, Ng, Sharma, Lam, Symul, PR Applied 3, 054004 (2015), worst-case conditional
        min-entropy, with both ends, an offset and unequal codes.
        """
        below, above = self._beyond(lowest_v, highest_v)
        ends = max(float(ndtr(end / (sd_least_v if end > 0.0 else sd_most_v))) for end in (below, above))
        return min(1.0, max(ends, self._widest(sd_least_v)))

    def average_guess(self, sd_v: float, mean_v: float, mean_sd_v: float) -> float:
        """Mean of the best guess of a code, where the voltage's mean is itself Gaussian, and known to who guesses.

        An upper bound: the widest code is taken to lie about each mean. Source: Haw et al. 2015, average-case
        conditional min-entropy.
        """
        away = np.linspace(-_FARTHEST, _FARTHEST, _MEANS)
        below, above = self._beyond(mean_v + mean_sd_v * away, mean_v + mean_sd_v * away)
        guess = np.maximum(ndtr(np.maximum(below, above) / sd_v), self._widest(sd_v))
        weight = np.exp(-0.5 * away**2)
        return min(1.0, float(guess @ weight / weight.sum()))

    def _widest(self, sd_v: float) -> float:
        """Probability of the widest code about its middle."""
        return float(erf(self.step_v * (1.0 + self.dnl_lsb) / (math.sqrt(8.0) * sd_v)))

    def _beyond(self, lowest_v: Volts, highest_v: Volts) -> tuple[Volts, Volts]:
        """How far the lowest mean lies in the first code, the highest in the last; below 0: outside it."""
        spread = 0.5 * self.dnl_lsb * self.step_v
        below = spread + 0.5 * self.step_v - self.range_v - lowest_v
        return below, highest_v - (self.range_v - 1.5 * self.step_v) + spread

    def saturation(self, mean_v: float, sd_v: float) -> float:
        """Probability of the first and the last code together, of a Gaussian voltage."""
        spread = 0.5 * self.dnl_lsb * self.step_v  # the first and the last threshold are shifted alike
        first, last = 0.5 * self.step_v - self.range_v + spread, self.range_v - 1.5 * self.step_v + spread
        return float(ndtr((first - mean_v) / sd_v) + ndtr((mean_v - last) / sd_v))

    def gaussian_statistics(self, mean_v: float, sd_v: float, lags: tuple[float, ...] = ()) -> SampleStatistics:
        """Statistics of the codes of a stationary Gaussian voltage with that autocorrelation (normalised, lags 1, ...).

        The codes are a staircase of the voltage, whose Hermite coefficients are sums over its steps; the covariance of
        two codes is the series of Mehler in the correlation of their voltages.
        """
        steps = (self.thresholds_v() - mean_v) / sd_v
        below = ndtr(steps)
        last = 2.0**self.bits - 1.0
        mean = float(np.sum(ndtr(-steps)))
        share = np.diff(np.concatenate([[0.0], below, [1.0]]))
        variance = float(np.sum(share * (np.arange(last + 1.0) - mean) ** 2))
        density = np.exp(-0.5 * steps**2) / math.sqrt(2.0 * math.pi)
        weights = [
            float(np.sum(density * eval_hermitenorm(order - 1, np.clip(steps, -1e3, 1e3)))) ** 2 / math.factorial(order)
            for order in range(1, _HERMITE_ORDERS + 1)
        ]
        series = [sum(weight * lag**order for order, weight in enumerate(weights, 1)) for lag in lags]
        correlation = tuple(max(-1.0, min(1.0, part / variance)) if variance > 0.0 else 0.0 for part in series)
        return SampleStatistics(mean, variance, self.saturation(mean_v, sd_v), correlation, bit_shares(share))


def bit_shares(share: NDArray[np.float64]) -> tuple[float, ...]:
    """Probability that each bit of a code is 1, the least significant first, from that of each of 2^bits codes."""
    bits = len(share).bit_length() - 1
    return tuple(min(1.0, max(0.0, float(np.sum(share.reshape(-1, 2, 2**bit)[:, 1])))) for bit in range(bits))
