"""The asymptotic rate of discrete modulation: Denys, Brown, Leverrier, Quantum 5, 540 (2021).

Bob's means for each state and his mean photon number leave open how strongly Alice's half of an entangled state and
Bob's mode are correlated: Eve chooses. The paper shows that the correlation is at least Z*. What she may know then is
at most that of the Gaussian state of covariance [[(V + 1) I, Z* Z], [Z* Z, b I]]. Such a matrix is also that of a
Gaussian channel with less transmittance and more noise, so the closed forms of holevo.py serve as they are.

The paper has heterodyne detection by a perfect receiver. What is here beyond it, with reasons:
- A trusted receiver stands behind the mode whose moments are bounded. Its calibrated loss and noise tell these from
  what it measures, and it is Gaussian, so that Gaussian states stay Eve's best of a given covariance.
- Homodyne detection, each symbol in one of both quadratures at random, tells the same moments. A quarter turn leaves
  the constellation as it is; averaged over these turns, which Eve may know, both quadratures are alike.
- She may know the more, the less the correlation is, whatever the receiver: turn Bob's mode by pi with some
  probability and tell her when. She knows no less, and the correlation is any lesser one, at the same variances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.keys import Proof
from haris.quantum.security.constellation import Constellation
from haris.quantum.security.constellation_moments import Moments, constellation_moments
from haris.quantum.security.gaussian_block import ROUNDING, estimate_terms
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits

Array = NDArray[np.float64]

DENYS = "Denys, Brown, Leverrier, Quantum 5, 540 (2021)"

PROOF = Proof(
    f"{DENYS}, Devetak-Winter rate with reverse reconciliation",
    attacks="collective",
    finite=False,
    assumptions=(
        "an endless block",
        "states exactly those of the constellation, with the stated probabilities, and phase-locked to Bob",
        "a local oscillator and a unit of shot noise out of Eve's reach",
        "an untrusted receiver's loss and noise are Eve's, a trusted one's are calibrated and constant",
        "no post-selection",
    ),
)


@dataclass(frozen=True, slots=True)
class ConstellationBlock:
    """Symbols of one block, the constellation they are of, and the channel that they crossed.

    n_key: symbols whose values become key, before frames are lost. reconciliation_efficiency: beta.
    frame_error_rate: share of the frames that are lost.
    """

    channel: GaussianChannel
    constellation: Constellation
    n_key: float
    reconciliation_efficiency: float
    frame_error_rate: float


def least_correlation(c1: ArrayLike, spread: ArrayLike, excess: ArrayLike) -> Array:
    """Z*, the least correlation of Alice's and Bob's quadratures, shot-noise units; negative where nothing is known.

    c1 = Re sum_k p_k <alpha_k| a_tau |alpha_k>^* beta_k, with beta_k Bob's mean amplitude for state k.
    spread = n_B - c2^2 / <n>, with c2 = Re sum_k p_k alpha_k^* beta_k: his photons that no attenuation explains.
    excess: w. Any shapes that broadcast.
    Source: Denys, Brown, Leverrier, Quantum 5, 540 (2021): Z* = 2 c1 - 2 sqrt((n_B - c2^2 / <n>) w).
    """
    return np.asarray(2.0 * np.asarray(c1) - 2.0 * np.sqrt(np.asarray(spread) * np.asarray(excess)))


def as_correlated(channel: GaussianChannel, moments: Moments) -> GaussianChannel:
    """The Gaussian channel with Bob's variance and the least correlation, before a receiver that Eve does not hold."""
    seen = channel.as_attacked()
    modulation, t = seen.modulation_variance_snu, seen.transmittance
    z = least_correlation(np.sqrt(t) * moments.correlation, seen.noise_snu / 2.0, moments.excess)
    share = np.minimum(np.maximum(z, 0.0) ** 2 / (modulation * (modulation + 2.0)), t)
    return replace(seen, transmittance=share, noise_snu=seen.noise_snu + (t - share) * modulation)


def asymptotic(block: ConstellationBlock, security: Security) -> KeyLength:
    """Length that a block would give if its estimates were exact: n_kept (beta I_AB - chi_BE).

    I_AB is that of the discrete constellation, not the Gaussian capacity. security: unused, for no finite term is paid.
    Shape of the channel's arrays. Never raises on a channel without key.
    """
    channel, moments = block.channel, constellation_moments(block.constellation)
    modulation = channel.modulation_variance_snu
    informed = channel.values_per_symbol * block.constellation.information(channel.snr)
    attacked = as_correlated(channel, moments)
    z = np.sqrt(attacked.transmittance * modulation * (modulation + 2.0))
    secret = block.reconciliation_efficiency * informed - holevo(attacked) - ROUNDING
    n_kept = block.n_key * (1.0 - block.frame_error_rate)
    terms = (
        term("excess", moments.excess, "", "of the constellation; 0 for Gaussian modulation", f"{DENYS}, w"),
        term("correlation", z, "SNU", "of Alice's and Bob's quadratures, at least", f"{DENYS}, Z*"),
        *estimate_terms(channel, informed, holevo(attacked), DENYS),
        term("secret", secret, "bits", "beta information - holevo, a symbol", f"{DENYS}, Devetak-Winter"),
        term("symbols", n_kept, "", "that become key: not disclosed, and decoded", "counted"),
    )
    return KeyLength(whole_bits(n_kept * secret), terms, PROOF)
