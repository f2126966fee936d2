"""Settings of a pass as places in the unit cube, on axes that suit a search: odds and ratios."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import by_intensity
from haris.quantum.space.slot_counts import Settings

Floats = NDArray[np.float64]

SIGNAL = (0.05, 1.0)
"""Photons of the strongest intensity."""
LEAST_DECOY, MOST_DECOY = 0.005, 0.95
"""Of the second intensity: photons above the last one, and share of what it may have above it."""
P_SIGNAL = (0.02, 0.9999)
SHARE = (0.01, 0.99)
"""Of the second of three intensities in what the first leaves."""
P_KEY_BASIS = (0.2, 0.9999)


LIKELY = ((0.55, 0.75), (0.55, 0.85), (0.18, 0.5), (0.55, 0.65), (0.15, 0.4))
"""On each axis where the optima lay of passes of 10^3 to 10^7 secret bits, by every bound; the fourth is SHARE's."""


def likely(n_intensities: int) -> NDArray[np.float64]:
    """LIKELY on each axis of the cube, (d, 2)."""
    return np.array(LIKELY if n_intensities == 3 else LIKELY[:3] + LIKELY[4:])


def settings_at(places: Floats, n_intensities: int, last: float) -> Settings:
    """Settings at places (n, d): arrays (n,). last: the last of three intensities; of two both are sought."""
    z = np.asarray(places, dtype=np.float64).T
    last = last if n_intensities == 3 else 0.0
    low, high = _signal(last)
    mu1 = low + z[0] * (high - low)
    mu2 = last + LEAST_DECOY * (_room(mu1, last) / LEAST_DECOY) ** z[1]
    p1, key = _probability(z[2], P_SIGNAL), _probability(z[-1], P_KEY_BASIS)
    if n_intensities == 2:
        return Settings((mu1, mu2), (p1, 1.0 - p1), key)
    p2 = (1.0 - p1) * _probability(z[3], SHARE)
    return Settings((mu1, mu2, np.full_like(mu1, last)), (p1, p2, 1.0 - p1 - p2), key)


def place_of(settings: Settings) -> Floats:
    """The place of settings that are numbers, (d,), cut to the cube; settings_at leads back where they lie in it."""
    mu, p = by_intensity(settings.intensities), by_intensity(settings.p_intensities)
    last = float(mu[-1]) if mu.size == 3 else 0.0
    low, high = _signal(last)
    above = max(float(mu[1]) - last, LEAST_DECOY)
    z = [
        (mu[0] - low) / (high - low),
        np.log(above / LEAST_DECOY) / np.log(_room(max(mu[0], low), last) / LEAST_DECOY),
        _share(p[0], P_SIGNAL),
        *([_share(p[1] / (1.0 - p[0]), SHARE)] if mu.size == 3 else []),
        _share(float(np.asarray(settings.p_key_basis)), P_KEY_BASIS),
    ]
    return np.clip(np.array(z, dtype=np.float64), 0.0, 1.0)


def _signal(last: float) -> tuple[float, float]:
    """Range of the first intensity, which must pass the sum of the others."""
    low = max(SIGNAL[0], 2.0 * last + 2.0 * LEAST_DECOY / MOST_DECOY)
    return low, max(SIGNAL[1], 2.0 * low)


def _room(mu1: NDArray[np.float64] | float, last: float) -> NDArray[np.float64]:
    """How far the second intensity may lie above the last one."""
    return np.asarray(MOST_DECOY * (mu1 - 2.0 * last))


def _probability(share: Floats, of: tuple[float, float]) -> Floats:
    low, high = _odds(of[0]), _odds(of[1])
    return np.asarray(1.0 / (1.0 + np.exp(-(low + share * (high - low)))))


def _share(p: float, of: tuple[float, float]) -> float:
    low, high = _odds(of[0]), _odds(of[1])
    return float((_odds(min(max(p, of[0]), of[1])) - low) / (high - low))


def _odds(p: float) -> float:
    return float(np.log(p / (1.0 - p)))
