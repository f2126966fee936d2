"""What Eve may know of a Gaussian value: the Holevo bound of collective attacks, in closed form.

Alice's half of a two-mode squeezed state and Bob's mode have the covariance matrix [[a I, c Z], [c Z, b I]] with a =
V + 1, b = T V + w + 1, c^2 = T (a^2 - 1): modulation V, transmittance T, excess noise w at the output. Eve holds its
purification, Bob's trusted receiver holds that of his loss and noise, and Gaussian attacks are the best. So what she
may know is the entropy of the symplectic eigenvalues of that matrix, less that of those left after Bob's measurement.

The eigenvalues are those of Lodewyck et al., PRA 76, 042305 (2007), and for heterodyne detection those of
Fossier et al., J. Phys. B 42, 114014 (2009). They are rewritten here as distances from the vacuum's 1 without a
difference of near numbers, so that no digit is lost where the eigenvalues come near to 1 or to each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.quantum.security.gaussian_channel import GaussianChannel

Array = NDArray[np.float64]


def holevo(channel: GaussianChannel) -> Array:
    """Bits that Eve may know of Bob's values of one symbol, at most; shape of the channel's arrays."""
    seen = channel.as_attacked()
    modulation, t, w = seen.modulation_variance_snu, seen.transmittance, seen.noise_snu
    apart = modulation * (1.0 - t) - w
    mixed = modulation * (1.0 - t) + w * (1.0 + modulation)
    product = w * modulation * (2.0 + modulation) * (2.0 * (1.0 - t) + w)
    before = mode_pair(np.abs(apart), mixed, product)
    after = (_after_heterodyne if seen.heterodyne else _after_homodyne)(seen, apart, mixed, product)
    return np.asarray(sum(mode_entropy(x) for x in before) - sum(mode_entropy(x) for x in after))


def mode_pair(difference: Array, mixed: Array, product: Array) -> tuple[Array, Array]:
    """Excesses over 1 of two eigenvalues l and m.

    difference: |l - m|. mixed: l m - 1. product: (l^2 - 1)(m^2 - 1) = mixed^2 - difference^2.
    """
    total = np.sqrt(difference**2 + 4.0 * (1.0 + mixed))
    over = (difference**2 + 4.0 * mixed) / (total + 2.0)
    larger = (over + difference) / 2.0
    return larger, _divided(product / (mixed + 2.0 + total), larger)


def _after_heterodyne(seen: GaussianChannel, apart: Array, mixed: Array, product: Array) -> tuple[Array, Array]:
    """Excesses of the eigenvalues after both quadratures were measured."""
    eta = seen.efficiency
    noise = 2.0 - eta + 2.0 * seen.electronic_noise_snu
    variance = eta * _output_variance(seen) + noise
    difference = np.abs(noise * apart + eta * mixed) / variance
    together = (eta * apart + noise * mixed) / variance
    return mode_pair(difference, together, (noise**2 - eta**2) * product / variance**2)


def _after_homodyne(seen: GaussianChannel, apart: Array, mixed: Array, product: Array) -> tuple[Array, Array]:
    """Excesses of the eigenvalues after one quadrature was measured. Roots of s^2 - total s + rest, s = l^2 - 1."""
    eta, modulation = seen.efficiency, seen.modulation_variance_snu
    noise = 1.0 - eta + seen.electronic_noise_snu
    variance = eta * _output_variance(seen) + noise
    signal = modulation * (2.0 + modulation) * (1.0 - seen.transmittance + seen.noise_snu)
    total = (eta * signal + noise * (apart**2 + 2.0 * mixed)) / variance
    rest = noise * product / variance
    larger = (total + np.sqrt(np.maximum(total**2 - 4.0 * rest, 0.0))) / 2.0
    return _root_over_1(larger), _root_over_1(_divided(rest, larger))


def _output_variance(seen: GaussianChannel) -> Array:
    return np.asarray(seen.transmittance * seen.modulation_variance_snu + seen.noise_snu + 1.0)


def _root_over_1(excess: Array) -> Array:
    """sqrt(1 + excess) - 1."""
    return np.asarray(excess / (1.0 + np.sqrt(1.0 + excess)))


def _divided(value: Array, by: Array) -> Array:
    return np.divide(value, by, out=np.zeros_like(by), where=by > 0.0)


def mode_entropy(excess: Array) -> Array:
    """Entropy in bits of a mode with symplectic eigenvalue 1 + excess."""
    photons = np.maximum(excess / 2.0, 1e-300)
    return np.asarray((np.log1p(photons) + photons * np.log1p(1.0 / photons)) / np.log(2.0))
