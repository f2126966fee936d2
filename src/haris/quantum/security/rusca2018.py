"""One decoy: Rusca, Boaron, Grünenfelder, Martin, Zbinden, APL 112, 171104 (2018)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.quantum.security.decoys import Photons, Scale, photon_probability, require_decoys, scale, within
from haris.quantum.security.key_length import KeyLength, Security
from haris.quantum.security.lim2014 import PROOF as LIM_PROOF
from haris.quantum.security.lim2014 import printed_length
from haris.quantum.security.tails import hoeffding

RUSCA = "Rusca et al., APL 112, 171104 (2018)"

EVENTS = 11
"""In each basis: signal clicks up, decoy clicks down, errors up for either intensity, errors of empty pulses; and
in the test basis decoy errors down. Signal errors up serve twice."""

PROOF = replace(LIM_PROOF, theorem=f"{RUSCA}, Eq. (1), with 19^2 in gamma and e^k/p_k restored in Eq. (A18)")

Array = NDArray[np.float64]
VacuumClicks = Callable[[Array, Array, float], Array]


def printed_vacuum(errors: Array, clicks: Array, epsilon: float) -> Array:
    """Empty clicks from their errors, each wrong with probability 1/2: 2 (v + delta(n)), Eq. (A16) as printed."""
    return np.asarray(2.0 * (errors + hoeffding(clicks, epsilon)))


def binomial_vacuum(errors: Array, clicks: Array, epsilon: float) -> Array:
    """The same, with the deviation of s empty clicks and not of all n: s/2 - sqrt(s ln(1/epsilon)/2) <= v for s."""
    spread = np.log(1.0 / epsilon) / 2.0
    return np.asarray(np.minimum((np.sqrt(spread) + np.sqrt(spread + 2.0 * np.maximum(errors, 0.0))) ** 2, clicks))


def one_decoy(
    counts: DecoyCounts, epsilon: float, vacuum_clicks: VacuumClicks = printed_vacuum, scale: Scale = scale
) -> Photons:
    """Vacuum and single-photon clicks from two intensities; each of EVENTS bounds fails with probability epsilon.

    The errors of the key basis by intensity are needed: they are known after reconciliation.
    Raises ParameterError on other numbers of intensities. Source: Rusca et al., appendix A, whose Eq. (A18) lacks
    e^k/p_k as printed. epsilon = 1: no deviations.
    """
    require_decoys(counts.intensities)
    key_vacuum, key_single = _clicks(counts, KEY_BASIS, epsilon, vacuum_clicks, scale)
    _, test_single = _clicks(counts, TEST_BASIS, epsilon, vacuum_clicks, scale)
    mu1, mu2 = counts.intensities
    errors = scale(counts.errors[..., TEST_BASIS, :], counts, epsilon)
    wrong = photon_probability(1, counts) * (errors.upper[..., 0] - errors.lower[..., 1]) / (mu1 - mu2)
    return Photons(key_vacuum, key_single, test_single, np.maximum(wrong, 0.0), EVENTS)


def vacuum_upper(
    counts: DecoyCounts, basis: int, epsilon: float, vacuum_clicks: VacuumClicks, scale: Scale = scale
) -> Array:
    """Upper bound on the clicks of empty pulses in one basis, from the lesser of its two error counts."""
    errors = scale(counts.errors[..., basis, :], counts, epsilon)
    clicks = counts.clicks[..., basis, :].sum(axis=-1).astype(np.float64)
    wrong = photon_probability(0, counts) * errors.upper.min(axis=-1)
    return vacuum_clicks(wrong, clicks, epsilon)


def _clicks(
    counts: DecoyCounts, basis: int, epsilon: float, vacuum_clicks: VacuumClicks, scale: Scale
) -> tuple[Array, Array]:
    mu1, mu2 = counts.intensities
    tau0, tau1 = photon_probability(0, counts), photon_probability(1, counts)
    n = scale(counts.clicks[..., basis, :], counts, epsilon)
    vacuum = tau0 * (mu1 * n.lower[..., 1] - mu2 * n.upper[..., 0]) / (mu1 - mu2)
    empty = vacuum_upper(counts, basis, epsilon, vacuum_clicks, scale) / tau0
    share = (mu2 / mu1) ** 2
    multi = share * n.upper[..., 0] + (1.0 - share) * empty
    single = tau1 * mu1 * (n.lower[..., 1] - multi) / (mu2 * (mu1 - mu2))
    total = counts.clicks[..., basis, :].sum(axis=-1)
    return within(vacuum, total), within(single, total)


def rusca2018(counts: DecoyCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Length of a one-decoy key as printed, for comparison with the paper; live keys use variable_length."""
    photons = one_decoy(counts, security.epsilon_secrecy / 19.0)
    return printed_length(photons, security, leaked_bits, 19, PROOF, RUSCA)
