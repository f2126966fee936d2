"""Which channels the estimates of a block do not rule out, and the most that Eve may know over them.

Of each value, Bob's y = t x + z: t^2 is the transmittance with the receiver's gain, z has the variance s^2 of vacuum,
electronics and excess noise. From m values disclosed the estimate of t is normal with variance s^2 / (m V), that of s^2
with 2 s^4 / m (Leverrier, Grosshans, Grangier, PRA 81, 062343 (2010)). The paper takes the s^2 of both variances as it
was estimated, and so misses a greater one more often than epsilon says: ten times as often of 10^4 values. Here it is
the greatest that is allowed for: an estimate of w deviations below the true s^2 is below (1 - w sqrt(2/m)) s^2, and a
chi-squared variable falls that low more seldom than a normal one does.

The paper takes the least t with the greatest s^2. But at a given s^2 Eve's knowledge of Bob's values has its peak at a
transmittance between 0.5 and 0.7: where less arrives than that, she knows the more the more of it arrives, and the
greatest t is the worst. So here t runs over its interval.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo

N_COARSE = 9
N_FINE = 7
ROUNDS = 4
_MOST_NOISE_SNU = 1e6


def worst_holevo(block: GaussianBlock, deviations: float) -> NDArray[np.float64]:
    """The most bits that Eve may know of Bob's values of one symbol, up to so many deviations from the estimate.

    Along t her knowledge rises to one peak and falls: so on every dense grid that was tried, which is no proof. It is
    looked for between ever nearer places; where it bends as a concave function does, it lies above the highest of them
    by no more than that one lies above its neighbours, and that is added; not where the highest is an end of the
    interval.
    """
    shape = block.channel.transmittance.shape
    low, high = np.full(shape, -1.0), np.full(shape, 1.0)
    for n in (N_COARSE, *ROUNDS * (N_FINE,)):
        steps = np.linspace(0.0, 1.0, n).reshape(-1, *(1,) * len(shape))
        shares = low + steps * (high - low)
        known = holevo(channels_within(block, deviations, shares))
        top = np.argmax(known, axis=0)[None]
        below, above = np.maximum(top - 1, 0), np.minimum(top + 1, n - 1)
        low, high = (np.take_along_axis(shares, at, axis=0)[0] for at in (below, above))
    most, *beside = (np.take_along_axis(known, at, axis=0)[0] for at in (top, below, above))
    at_end = np.abs(np.take_along_axis(shares, top, axis=0)[0]) > 1.0 - 1e-9
    return np.asarray(most + np.where(at_end, 0.0, most - np.minimum(*beside)))


def channels_within(
    block: GaussianBlock, deviations: float, shares: NDArray[np.float64] | None = None
) -> GaussianChannel:
    """Channels up to so many standard deviations from the estimate, with the most noise; a leading axis over t.

    shares: of the deviations, in [-1, 1], where t lies; None: both ends and the estimate. Trusted noise of preparation
    falls with t and leaves the more of s^2 to Eve: what the least t leaves is taken for every t, the safe side.
    """
    if shares is None:
        shares = np.array([-1.0, 0.0, 1.0]).reshape(-1, *(1,) * block.channel.transmittance.ndim)
    channel = block.channel
    m = block.n_estimation * channel.values_per_symbol
    noise = channel.value_noise_snu
    t = np.sqrt(channel.gain * channel.transmittance)
    with np.errstate(over="ignore", divide="ignore"):  # of next to nothing disclosed: any channel
        free = np.maximum(m - 1.0, 1e-9)  # one number was fitted
        most = noise * (np.maximum(m, 1.0) / free) / np.maximum(1.0 - deviations * np.sqrt(2.0 / free), 1e-9)
        spread = np.minimum(deviations * np.sqrt(most / (m * channel.modulation_variance_snu)), 1.0)
        excess = np.minimum((most - 1.0 - channel.electronic_noise_snu) / channel.gain, _MOST_NOISE_SNU)
    least = np.maximum(t - spread, 0.0) ** 2 / channel.gain
    excess = np.maximum(excess - least * channel.trusted_preparation_snu, 0.0)
    amplitude = np.clip(t + shares * spread, 0.0, np.sqrt(channel.gain))
    transmittance = np.minimum(amplitude**2 / channel.gain, 1.0)
    return replace(channel, transmittance=transmittance, noise_snu=np.broadcast_to(excess, transmittance.shape))
