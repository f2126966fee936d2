"""The vacuum as the unit of a quadrature: its volts at the least, and how far a local oscillator may sink."""

from __future__ import annotations

import math

from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError
from haris.quantum.entropy.converter import Converter, reach_sigma, require_volts


def require_calibration(signal_rms_v: float, dark_rms_v: float, calibration_samples: float) -> None:
    """Raise ParameterError unless the vacuum's signal is above the dark noise and samples were taken of both."""
    require_volts("signal_rms_v", signal_rms_v)
    require_positive("calibration_samples", calibration_samples)
    require_not_negative("dark_rms_v", dark_rms_v)
    if dark_rms_v >= signal_rms_v:
        raise ParameterError(
            f"dark_rms_v must be below signal_rms_v = {signal_rms_v}: electronic noise above the signal leaves no "
            f"vacuum to measure by; got {dark_rms_v}"
        )


def least_vacuum_v2(
    signal_rms_v: float, dark_rms_v: float, calibration_samples: float, converter: Converter, epsilon: float
) -> float:
    """Variance of the vacuum in volts squared: less than this with probability at most epsilon; 0 where none is sure.

    signal_rms_v, dark_rms_v: with and without the local oscillator and nothing at the signal port, from so many
    uncorrelated Gaussian samples each. An eighth of a squared code is taken off for what digitisation adds or hides.
    Source: Laurent and Massart, Ann. Stat. 28, 1302 (2000), Lemma 1, for both variances.
    """
    x = math.log(2.0 / epsilon) / calibration_samples
    if 2.0 * math.sqrt(x) >= 1.0:
        return 0.0
    unresolved = (converter.step_v * (1.0 + converter.dnl_lsb)) ** 2 / 8.0
    signal = signal_rms_v**2 / (1.0 + 2.0 * math.sqrt(x) + 2.0 * x)
    return max(0.0, signal - dark_rms_v**2 / (1.0 - 2.0 * math.sqrt(x)) - unresolved)


def least_power(relative_rms: float, n_samples: int, epsilon: float) -> float:
    """Least power of a local oscillator over its mean in n_samples, except with probability epsilon; at least 0.

    Its power is Gaussian of that relative standard deviation.
    """
    return max(0.0, 1.0 - relative_rms * reach_sigma(n_samples, epsilon)) if relative_rms else 1.0
