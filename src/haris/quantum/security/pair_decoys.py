"""What three intensities at each end tell of pairs of single photons.

Given the photon numbers (n, m) of the announced pairs of one basis, the intensities are independent draws, so that the
mean of the count at intensities (a, b) is p_a p_b exp(-a - b) sum_nm a^n b^m / (n! m!) s_nm, with s_nm the number
announced from n and m photons over the share tau_n tau_m of such pairs at the source. Call it M_ab / w_ab, so that
M_ab = sum_nm a^n b^m / (n! m!) s_nm, and take mu > nu > omega at both ends. Then

    F_a = M_aa + M_ww - M_aw - M_wa = sum_nm g_n(a) g_m(a) s_nm / (n! m!),   g_n(a) = a^n - omega^n,

which is of pairs with n, m >= 1 only. g_n(mu) / g_n(nu) grows with n. So with r that ratio of F's for (n, m) = (1, 2),
r F_nu - F_mu keeps only s_11 with a positive weight:

    s_11 >= (r F_nu - F_mu) / ((r - (mu - omega)^2 / (nu - omega)^2) (nu - omega)^2),
    r = (mu^2 - omega^2) (mu - omega) / ((nu^2 - omega^2) (nu - omega)),

and of the errors, none of whose parts are negative, s_11 <= F_nu / (nu - omega)^2.
Source: Xu, Curty, Qi, Lo, New J. Phys. 15, 113007 (2013), section 4, in counts as in Curty et al., Nat. Commun. 5, 3732
(2014).
"""

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.pair_counts import PairCounts
from haris.quantum.security.chernoff import mean_above, mean_below

Array = NDArray[np.float64]

SINGLE_EVENTS = 7
"""Counts that single_below bounds by their means: each may fail with the epsilon it was given."""
ERROR_EVENTS = 4
"""The same of errors_above."""
ROUNDING = 2.0**-48
"""Of a sum of near numbers, the share that floating point may have lost: decoys that are all but empty turn on it."""


def require_pair_decoys(intensities: tuple[float, ...]) -> None:
    """Raise ParameterError unless there are three intensities: a signal and two decoys."""
    if len(intensities) != 3:
        raise ParameterError(f"intensities of mdi-qkd must be 3, a signal and two decoys, got {len(intensities)}")


def single_share(counts: PairCounts) -> float:
    """Probability tau_1 that a pulse of the source has one photon, whatever its intensity."""
    return sum(p * k * exp(-k) for p, k in zip(counts.p_intensities, counts.intensities, strict=True))


def single_below(counts: PairCounts, basis: int, epsilon: float) -> Array:
    """Lower bound on s_11 = S_11 / tau_1^2 of one basis, shape of the sweep, at least 0.

    S_11: announced pairs of single photons, of every intensity. Each of SINGLE_EVENTS bounds fails with probability
    epsilon; epsilon = 1: no deviations.
    """
    low, high = _scaled_means(counts.clicks[..., basis, :, :], counts, epsilon)
    return single_of(low, high, counts.intensities)


def single_of(low: Array, high: Array, intensities: tuple[float, ...]) -> Array:
    """Lower bound on s_11 from bounds on every M_ab, shape (..., 3, 3): SINGLE_EVENTS of them are leant on."""
    mu, nu, omega = intensities
    ratio = (mu**2 - omega**2) * (mu - omega) / ((nu**2 - omega**2) * (nu - omega))
    weak = ratio * (low[..., 1, 1] - high[..., 1, 2] - high[..., 2, 1])
    strong = high[..., 0, 0] - low[..., 0, 2] - low[..., 2, 0]
    # Both F's hold the count of the weakest pair, which enters once.
    sums = ratio * (low[..., 1, 1] + high[..., 1, 2] + high[..., 2, 1] + low[..., 2, 2])
    sums += high[..., 0, 0] + low[..., 0, 2] + low[..., 2, 0]
    least = weak - strong + (ratio - 1.0) * low[..., 2, 2] - ROUNDING * sums
    single = least / (ratio * (nu - omega) ** 2 - (mu - omega) ** 2)
    return np.asarray(np.maximum(single, 0.0))


def errors_above(counts: PairCounts, basis: int, epsilon: float) -> Array:
    """Upper bound on the errors among S_11 over tau_1^2, shape of the sweep, at least 0; as single_below."""
    _, nu, omega = counts.intensities
    low, high = _scaled_means(counts.errors[..., basis, :, :], counts, epsilon)
    seen, taken = high[..., 1, 1] + high[..., 2, 2], low[..., 1, 2] + low[..., 2, 1]
    wrong = seen - taken + ROUNDING * (seen + taken)
    return np.asarray(np.maximum(wrong / (nu - omega) ** 2, 0.0))


def _scaled_means(
    of: NDArray[np.int64] | NDArray[np.float64], counts: PairCounts, epsilon: float
) -> tuple[Array, Array]:
    """Bounds on M_ab from the counts of one basis, shape (..., 3, 3)."""
    weight = np.exp(counts.intensities) / np.asarray(counts.p_intensities)
    scale = np.outer(weight, weight)
    return scale * mean_below(of, epsilon), scale * mean_above(of, epsilon)
