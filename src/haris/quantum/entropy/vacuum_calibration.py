"""A vacuum source calibrated from two recordings: with the local oscillator on, and with it off."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.vacuum import VacuumFluctuations

LEAST_SAMPLES = 100_000
MOST_LAGS = 32
MOST_CLIPPED = 1e-5
SIGNIFICANT = 5.0
"""Standard errors beyond which a lag of the autocorrelation is taken for one."""
_CHUNK = 2**20


def calibrate(on: RawSamples, off: RawSamples, range_v: float, dnl_lsb: float = 0.0) -> VacuumFluctuations:
    """Parameters that two recordings of one converter show; clock_hz is that of `on`.

    The autocorrelation goes to the last significant lag of 32, of either recording. calibration_samples is the shorter
    one's length; with lags, fewer than about 1e8 leave little. Lags that are not significant are taken for 0, and the
    bound does not count what they may hide: up to 25 / calibration_samples of the variance each. Raises
    ParameterError where recordings are short, of different converters, constant, or clipped, and where what they show
    is no vacuum source.
    """
    require_positive("range_v", range_v)
    if off.bits != on.bits or (off.clock_hz and on.clock_hz and off.clock_hz != on.clock_hz):
        raise ParameterError(
            f"off must be of the converter of on, {on.bits} bits at {on.clock_hz:g} Hz, "
            f"got {off.bits} bits at {off.clock_hz:g} Hz"
        )
    step_v = 2.0 * range_v / 2.0**on.bits
    lit, dark = _moments("on", on), _moments("off", off)
    lags = tuple(lit.lags[: max(lit.n_significant, dark.n_significant)])
    return VacuumFluctuations(
        adc_bits=on.bits,
        range_v=range_v,
        clock_hz=on.clock_hz,
        signal_rms_v=lit.rms * step_v,
        dark_rms_v=dark.rms * step_v,
        calibration_samples=min(len(on), len(off)),
        offset_v=(lit.mean - 2.0 ** (on.bits - 1)) * step_v,
        autocorrelation=lags,
        dark_autocorrelation=tuple(dark.lags[: len(lags)]),
        dnl_lsb=dnl_lsb,
    )


@dataclass(frozen=True, slots=True)
class _Moments:
    """Of codes. lags: autocorrelation at lags 1 to 32. n_significant: the last one that is not just chance."""

    mean: float
    rms: float
    lags: list[float]
    n_significant: int


def _moments(name: str, samples: RawSamples) -> _Moments:
    n, values = len(samples), samples.values
    if n < LEAST_SAMPLES:
        raise ParameterError(f"{name} must have at least {LEAST_SAMPLES} samples, got {n}")
    clipped = float(np.mean((values == 0) | (values == 2**samples.bits - 1)))
    if clipped > MOST_CLIPPED:
        raise ParameterError(
            f"{name} must not be clipped in more than {MOST_CLIPPED:g} of its samples: widen the converter's range; "
            f"got {clipped:.2g}"
        )
    mean = float(np.mean(values, dtype=np.float64))
    sums = np.zeros(MOST_LAGS + 1)
    for first in range(0, n, _CHUNK):
        part = values[max(0, first - MOST_LAGS) : first + _CHUNK].astype(np.float64) - mean
        sums += _products(part, min(first, MOST_LAGS))
    variance = float(sums[0]) / n
    if variance == 0.0:
        raise ParameterError(
            f"{name} must not be constant: a converter that shows no noise is stuck, cut off, or too coarse to measure "
            f"it; got {n} samples of {int(values[0])}"
        )
    lags = [float(total) / (n - lag) / variance for lag, total in enumerate(sums)][1:]
    beyond = [lag for lag, value in enumerate(lags, 1) if abs(value) > SIGNIFICANT / math.sqrt(n)]
    return _Moments(mean, math.sqrt(variance), lags, max(beyond, default=0))


def _products(part: NDArray[np.float64], n_before: int) -> NDArray[np.float64]:
    """Sums of products with the sample so many before, of the samples after the first n_before."""
    later = part[n_before:]
    sums = [float(later @ later)]
    for lag in range(1, MOST_LAGS + 1):
        start = max(n_before, lag)
        sums.append(float(part[start:] @ part[start - lag : len(part) - lag]))
    return np.array(sums)
