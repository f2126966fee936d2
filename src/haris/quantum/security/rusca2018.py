"""One decoy: Rusca, Boaron, Grünenfelder, Martin, Zbinden, APL 112, 171104 (2018)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts, by_intensity
from haris.quantum.security.decoys import Photons, Scale, Scaled, photon_probability, require_decoys, scale, within
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
    light = by_intensity(counts.intensities)
    mu1, mu2 = light[..., 0, None], light[..., 1, None]
    tau0, tau1 = (photon_probability(n, counts)[..., None] for n in (0, 1))
    n, m = (scale(of, counts, epsilon) for of in (counts.clicks, counts.errors))
    total = counts.clicks.sum(axis=-1)
    vacuum = tau0 * (mu1 * n.lower[..., 1] - mu2 * n.upper[..., 0]) / (mu1 - mu2)
    empty = _empty_upper(tau0, m, total, epsilon, vacuum_clicks) / tau0
    share = (mu2 / mu1) ** 2
    multi = share * n.upper[..., 0] + (1.0 - share) * empty
    single = within(tau1 * mu1 * (n.lower[..., 1] - multi) / (mu2 * (mu1 - mu2)), total)
    wrong = tau1 * (m.upper[..., 0] - m.lower[..., 1]) / (mu1 - mu2)
    return Photons(
        key_vacuum_lower=within(vacuum, total)[..., KEY_BASIS],
        key_single_lower=single[..., KEY_BASIS],
        test_single_lower=single[..., TEST_BASIS],
        test_errors_upper=np.maximum(wrong[..., TEST_BASIS], 0.0),
        events=EVENTS,
    )


def vacuum_upper(counts: DecoyCounts, epsilon: float, vacuum_clicks: VacuumClicks, scale: Scale = scale) -> Array:
    """Upper bound on the clicks of empty pulses in each basis, (..., 2), from the lesser of its two error counts."""
    tau0 = photon_probability(0, counts)[..., None]
    return _empty_upper(tau0, scale(counts.errors, counts, epsilon), counts.clicks.sum(axis=-1), epsilon, vacuum_clicks)


def _empty_upper(tau0: Array, errors: Scaled, total: Array, epsilon: float, vacuum_clicks: VacuumClicks) -> Array:
    return vacuum_clicks(tau0 * errors.upper.min(axis=-1), total, epsilon)


def rusca2018(counts: DecoyCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Length of a one-decoy key as printed, for comparison with the paper; live keys use variable_length."""
    photons = one_decoy(counts, security.epsilon_secrecy / 19.0)
    return printed_length(photons, security, leaked_bits, 19, PROOF, RUSCA)
