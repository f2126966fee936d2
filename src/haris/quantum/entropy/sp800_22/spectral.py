"""Discrete Fourier transform (spectral) test: peaks that periods leave. SP 800-22, 2.6."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft


def spectral(bits: NDArray[np.uint8]) -> float:
    """P-value. bits: 0 or 1, shape (n,)."""
    n = len(bits)
    magnitudes = np.abs(rfft(2.0 * bits - 1.0)[: n // 2])
    below = np.count_nonzero(magnitudes < math.sqrt(math.log(1 / 0.05) * n))
    return math.erfc(abs(below - 0.95 * n / 2) / math.sqrt(n * 0.95 * 0.05 / 4) / math.sqrt(2))
