"""Faults of a noise source, put into good samples from one sample on: what on-line health tests must catch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import Codes, RawSamples


def stuck_bit(samples: RawSamples, first: int, bit: int, value: int) -> RawSamples:
    """A line of the converter that keeps one value. Raises ParameterError on a bit that a sample has not."""
    if not 0 <= bit < samples.bits or value not in (0, 1):
        raise ParameterError(f"bit must be 0 to {samples.bits - 1} and value 0 or 1, got {bit} and {value}")
    codes = _copied(samples, first)
    part = codes[first:]
    part |= codes.dtype.type(1 << bit)
    if value == 0:
        part ^= codes.dtype.type(1 << bit)
    return RawSamples(codes, samples.bits, samples.clock_hz)


def bias_drift(samples: RawSamples, first: int, codes_per_sample: float) -> RawSamples:
    """An offset that grows by so many codes with every sample."""
    n = len(samples) - first
    return _shifted(samples, first, codes_per_sample * np.arange(n, dtype=np.float64))


def tone(samples: RawSamples, first: int, amplitude: float, period: float) -> RawSamples:
    """A sine of that amplitude, in codes, and period, in samples."""
    require_positive("period", period)
    n = len(samples) - first
    return _shifted(samples, first, amplitude * np.sin(2.0 * np.pi * np.arange(n) / period))


def saturation(samples: RawSamples, first: int, gain: float) -> RawSamples:
    """An amplifier of that gain before the converter, about the middle code: what lies beyond its ends is clipped."""
    require_positive("gain", gain)
    codes = _copied(samples, first)
    middle = 2.0 ** (samples.bits - 1)
    codes[first:] = np.clip(np.rint(middle + gain * (codes[first:] - middle)), 0.0, 2.0**samples.bits - 1.0)
    return RawSamples(codes, samples.bits, samples.clock_hz)


def copied_block(samples: RawSamples, first: int, length: int, distance: int) -> RawSamples:
    """The `length` samples that lie `distance` earlier, once more: a buffer that was not filled anew."""
    if not 1 <= length <= distance <= first:
        raise ParameterError(f"length, distance and first must ascend from 1, got {length}, {distance}, {first}")
    codes = _copied(samples, first)
    codes[first : first + length] = samples.values[first - distance : first - distance + length][: len(codes) - first]
    return RawSamples(codes, samples.bits, samples.clock_hz)


def _copied(samples: RawSamples, first: int) -> Codes:
    if not 0 <= first <= len(samples):
        raise ParameterError(f"first must lie in [0, {len(samples)}], got {first}")
    return samples.values.copy()


def _shifted(samples: RawSamples, first: int, codes: NDArray[np.float64]) -> RawSamples:
    shifted = _copied(samples, first)
    shifted[first:] = np.clip(np.rint(shifted[first:] + codes), 0.0, 2.0**samples.bits - 1.0)
    return RawSamples(shifted, samples.bits, samples.clock_hz)
