"""What all four detectors do in one window of a pair source, whatever the angle between the ends' bases.

Two equal squeezers of n pairs each, shared by k modes: detectors that see X of Alice's light and Y of Bob's (matrices
over the two polarisations) all stay dark with probability det(1 + (n / k) (X + Y - X Y))^-k, the generating function of
Gaussian states. The probabilities of what clicked follow from those of what stayed dark.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.quantum.optics.pair_source import PairSource

Array = NDArray[np.float64]

_SETS = np.array([[pattern >> i & 1 for i in range(4)] for pattern in range(16)], dtype=np.float64)
"""Of detectors: Alice's for bit 0 and bit 1, Bob's for bit 0 and bit 1."""


def click_patterns(
    source: PairSource, eta: tuple[float, float], p_dark: tuple[float, float], angle_rad: float
) -> Array:
    """Probability of each set of detectors that click, shape (16,), by bits: 1, 2 Alice's for bit 0, 1; 4, 8 Bob's.

    eta: probability that a photon of the source clicks at Alice's and at Bob's end. p_dark: of each detector there.
    angle_rad: of polarisation between the ends' bases. Pairs are perfect.
    """
    turn = np.array([[np.cos(angle_rad), -np.sin(angle_rad)], [np.sin(angle_rad), np.cos(angle_rad)]])
    dark = np.array([_all_dark(source, turn, eta, chosen) for chosen in _SETS])
    dark *= np.prod((1.0 - np.repeat(p_dark, 2)) ** _SETS, axis=1)
    patterns = dark[::-1].copy()  # of the clicks' complement, all of which stay dark, the others as they like
    for i in range(4):
        with_i = np.flatnonzero(_SETS[:, i])
        patterns[with_i] -= patterns[with_i - (1 << i)]
    patterns = np.maximum(patterns, 0.0)
    return np.asarray(patterns / patterns.sum())


def _all_dark(source: PairSource, turn: Array, eta: tuple[float, float], chosen: Array) -> float:
    """Probability that no photon clicks in the chosen detectors."""
    alice = eta[0] * np.diag(chosen[:2])
    bob = eta[1] * turn @ np.diag(chosen[2:]) @ turn.T
    seen = alice + bob - alice @ bob
    each = 0.5 * source.mean_pairs
    if np.isinf(source.modes):
        return float(np.exp(-each * np.trace(seen)))
    return float(np.linalg.det(np.eye(2) + each / source.modes * seen) ** -source.modes)
