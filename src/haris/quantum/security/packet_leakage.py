"""What Eve may know of a bit of round-robin differential phase shift, for a known number of photons in the packet."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

BISECTIONS = 60
"""Of a number of bits in [0, L - 1]: more would be below the digits of a float."""


@cache
def packet_leakage(packet_pulses: int, most_photons: int) -> NDArray[np.float64]:
    """Eve's information on a sifted bit of a packet of 0 to most_photons photons, bits, shape (most_photons + 1,).

    Yin et al. prove that for N photons in L pulses it is at most the greatest of
    sum over n = 1..N of phi((L - n) x_n, n x_(n+1)) / (L - 1), where x has N + 1 entries >= 0 that sum to 1, and
    phi(a, b) = (a + b) h(a / (a + b)). For every p in (0, 1), phi(a, b) <= -a log2 p - b log2 (1 - p). With a p for
    each n the sum is linear in x, and no more than its greatest coefficient; p are chosen so that all are alike, so
    that nothing is lost. Any p give a bound that holds, and bisection ends on its safe side. most_photons: below L - 1.
    Source: Yin et al., Nat. Commun. 9, 457 (2018), Eq. (1); its dual is derived here.
    """
    photons = np.arange(1, most_photons + 1)
    low, high = np.zeros(most_photons), np.full(most_photons, packet_pulses - 1.0)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        enough = _enough(middle, packet_pulses, photons)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.append(0.0, high / (packet_pulses - 1.0))


def _enough(most: NDArray[np.float64], packet_pulses: int, photons: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether p exist, for each number of photons, with which no coefficient passes `most`."""
    before = np.zeros_like(most)  # what the term of n - 1 adds to the coefficient of x_n
    possible = np.ones(most.shape, dtype=bool)
    for n in range(1, photons.size + 1):
        there = photons >= n
        possible &= ~there | (most > before)
        exponent = np.where(there & possible, most - before, 1.0) / (packet_pulses - n)
        before = np.where(there & possible, -n * np.log2(-np.expm1(-exponent * np.log(2.0))), before)
    return np.asarray(possible & (before <= most))
