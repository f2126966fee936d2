"""Root-raised-cosine pulses in the frequency domain: how light is shaped, and the matched filter of its receiver."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pulse_spectrum(cycles: NDArray[np.float64], roll_off: float) -> NDArray[np.float64]:
    """At frequencies in cycles a symbol: 1 inside the band, 0 outside; its square's images add up to 1 (Nyquist)."""
    edge = (np.abs(cycles) - (1.0 - roll_off) / 2.0) / roll_off
    return np.asarray(np.cos(np.pi / 2.0 * np.clip(edge, 0.0, 1.0)))


def band(n_symbols: int, roll_off: float) -> NDArray[np.int64]:
    """Bins, from below 0 to above, of a record of n_symbols in which the pulse has power: as many on either side."""
    last = min(int((1.0 + roll_off) / 2.0 * n_symbols), n_symbols - 1)
    return np.arange(-last, last + 1)
