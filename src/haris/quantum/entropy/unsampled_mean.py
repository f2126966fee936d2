"""The mean of what was not sampled, from what was."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MOST_STAKE = 0.999


def unsampled_mean(
    values: NDArray[np.float64], counts: NDArray[np.float64], n_unsampled: int, stake: float, doubt_bits: float
) -> float:
    """Mean of the unsampled numbers: more than this with probability at most 2^-doubt_bits. At most 1.

    values: the numbers that can be, in [0, 1]. counts: how often each was among those that were drawn at random and
    without replacement; n_unsampled: how many were not. stake: in (0, 0.999], fixed before anything is drawn.
    If the mean of all numbers is mu, the factors 1 + stake (mu - y) are not negative and have mean 1, and the mean of
    their product over a sample is at most 1: elementary symmetric means fall (Maclaurin's inequality). So a product of
    2^doubt_bits or more, which refutes mu, comes with probability at most 2^-doubt_bits (Markov's inequality). The
    product rises with mu. This is the capital of a gambler: Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86, 1 (2024).
    """
    from scipy.optimize import brentq

    n_sampled = float(counts.sum())
    if n_sampled <= 0.0 or n_unsampled < 1:
        return 1.0
    below = (counts > 0.0) & (values < 1.0)
    drawn, times = np.append(values[below], 1.0), np.append(counts[below], counts[values >= 1.0].sum())
    enough = doubt_bits * math.log(2.0)

    def capital(mean: float) -> float:
        return float(np.sum(times * np.log1p(stake * (mean - drawn)))) - enough

    if capital(1.0) <= 0.0:
        return 1.0
    mean = min(1.0, float(brentq(capital, 0.0, 1.0, xtol=1e-15, rtol=1e-13)) * (1.0 + 1e-12) + 1e-15)
    return min(1.0, max(0.0, ((n_sampled + n_unsampled) * mean - float(np.sum(times * drawn))) / n_unsampled))


def best_stake(values: NDArray[np.float64], p: NDArray[np.float64], n_sampled: float, doubt_bits: float) -> float:
    """The stake that is about the best where the numbers come with probabilities p."""
    mean = float(p @ values)
    variance = float(p @ (values - mean) ** 2)
    if not variance * n_sampled > 0.0:
        return MOST_STAKE
    return min(MOST_STAKE, math.sqrt(2.0 * doubt_bits * math.log(2.0) / (n_sampled * variance)))
