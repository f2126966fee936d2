"""The two numbers of a constellation that bound how strongly its states are correlated behind a channel.

With tau = sum_k p_k |alpha_k><alpha_k| and a_tau = tau^(1/2) a tau^(-1/2) they are tr(tau^(1/2) a tau^(1/2) a^dagger)
and w = sum_k p_k (<a_tau^dagger a_tau>_k - |<a_tau>_k|^2): Denys, Brown, Leverrier, Quantum 5, 540 (2021). Gaussian
modulation has w = 0.

They are computed in Fock space from the singular vectors of S = sum_k sqrt(p_k) |alpha_k><k|, for tau = S S^dagger, and
psi_k = sqrt(p_k) tau^(-1/2) |alpha_k> is a column of the polar factor of S: nothing is divided by a small eigenvalue.
w is a sum of squares, not a difference. States of a large constellation overlap so much that the least singular values
drown in rounding. Those vectors are left out: that can only lower the correlation, and what they may add to w is
bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from haris.quantum.security.constellation import Constellation

Complex = NDArray[np.complex128]

KEPT = 1e-12
"""Least singular value that is kept, as a share of the largest."""


@dataclass(frozen=True, slots=True)
class Moments:
    """correlation: tr(tau^(1/2) a tau^(1/2) a^dagger), at most sqrt(<n>^2 + <n>). excess: w, at least 0. No units."""

    correlation: float
    excess: float


@lru_cache(maxsize=256)
def constellation_moments(constellation: Constellation) -> Moments:
    """Both numbers; they err on the safe side by no more than about 1e-10, in w as a share of sqrt(w)."""
    levels = np.asarray(constellation.levels_snu) / 2.0
    amplitudes = (levels[:, None] + 1j * levels[None, :]).ravel()
    p = np.outer(constellation.probabilities, constellation.probabilities).ravel()
    kets = _coherent(amplitudes)
    vectors, values, right = np.linalg.svd(kets * np.sqrt(p), full_matrices=False)
    kept = values > KEPT * values[0]
    complete = kept.all() and kept.size == p.size
    vectors, values, right = vectors[:, kept], values[kept], right[kept]
    number = np.sqrt(np.arange(1, len(vectors)))[:, None]
    lowered = vectors.conj().T[:, :-1] @ (number * vectors[1:])
    correlation = float(np.sum(np.outer(values, values) * np.abs(lowered) ** 2))
    moved = vectors @ (values[:, None] * (lowered @ right))  # columns tau^(1/2) a psi_k
    along = np.sum(kets.conj() * moved, axis=0)
    excess = float(np.sum(np.abs(moved - kets * along) ** 2))
    hidden = 0.0 if complete else _hidden(vectors, values, number)
    return Moments(correlation, (np.sqrt(excess) + hidden) ** 2)


def _coherent(amplitudes: Complex) -> Complex:
    """Coherent states in the basis of photon numbers, a column each, as far as the brightest one reaches."""
    photons = np.abs(amplitudes) ** 2
    brightest = float(photons.max())
    n = np.arange(int(brightest + 12.0 * np.sqrt(brightest) + 40.0))[:, None]
    size = np.exp((n * np.log(photons) - photons - gammaln(n + 1.0)) / 2.0)
    return np.asarray(size * np.exp(1j * n * np.angle(amplitudes)))


def _hidden(vectors: Complex, values: NDArray[np.float64], number: NDArray[np.float64]) -> float:
    """Hilbert-Schmidt norm of tau^(1/2) a beyond the vectors that were kept: the most that sqrt(w) can lack."""
    raised = np.zeros_like(vectors)
    raised[1:] = number * vectors[:-1]
    beyond = raised - vectors @ (vectors.conj().T @ raised)
    return float(np.sqrt(np.sum(values**2 * np.sum(np.abs(beyond) ** 2, axis=0))))
