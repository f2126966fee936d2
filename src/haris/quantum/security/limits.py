"""What no protocol over a lossy channel can pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def plob(transmittance: ArrayLike) -> NDArray[np.float64]:
    """Secret-key capacity of a pure-loss channel, bits a use: -log2(1 - transmittance); infinite at 1.

    transmittance: in [0, 1], any shape; detectors do not count, for they could be better.
    Source: Pirandola, Laurenza, Ottaviani, Banchi, Nat. Commun. 8, 15043 (2017), Eq. (19).
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log1p(-np.asarray(transmittance, dtype=np.float64)) / np.log(2.0))


def thermal_loss(transmittance: ArrayLike, noise_snu: ArrayLike) -> NDArray[np.float64]:
    """What no protocol can pass over a channel with loss and thermal noise, bits a use; 0 where it breaks entanglement.

    noise_snu: excess noise at the channel's output, shot-noise units, (1 - transmittance) 2 n for n thermal photons;
    both of one shape. -log2((1 - eta) eta^n) - g(n), with g(n) the entropy of n thermal photons.
    Source: Pirandola, Laurenza, Ottaviani, Banchi, Nat. Commun. 8, 15043 (2017), thermal-loss channel.
    """
    eta = np.minimum(np.asarray(transmittance, dtype=np.float64), 1.0 - 1e-9)  # the limit of noise without loss
    photons = np.asarray(noise_snu, dtype=np.float64) / (2.0 * (1.0 - eta))
    some = np.maximum(photons, 1e-300)
    entropy = (np.log1p(some) + some * np.log1p(1.0 / some)) / np.log(2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = plob(eta) - photons * np.log2(eta) - entropy
    return np.where(photons * (1.0 - eta) >= eta, 0.0, np.maximum(bound, 0.0))


def single_repeater(transmittance: ArrayLike) -> NDArray[np.float64]:
    """What one ideal repeater in the middle could give, bits a use: -log2(1 - sqrt(transmittance)).

    transmittance: of the whole channel, in [0, 1]. No twin-field protocol passes it.
    Source: Pirandola, Commun. Phys. 2, 51 (2019), Eq. (9), for two equal halves.
    """
    return plob(np.sqrt(np.asarray(transmittance, dtype=np.float64)))
