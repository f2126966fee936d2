"""Key of mode pairing from pairs of heralded windows, for a block and in the limit of an endless one.

The protocol is that of Zeng, Zhou, Wu, Ma, Nat. Commun. 13, 3903 (2022), and Xie et al., PRX Quantum 3, 020315 (2022).
Statistics and their derivation are our own, written in docs/explanation/security.md:
- Given how many photons went into the windows of all pairs, what was set there is drawn independently of all that Eve
  said. So the counts of z are those of pair_decoys, of intensities mu, nu and 0.
- An end that has one photon in the two windows of a pair holds a qubit there: in which window it is makes the raw bit,
  its phase from one to the other the bit of the test. Averaged over either, the state is the same, so the kinds of
  pair are drawn afterwards, and errors of the test are a fair sample of phase errors.
- An end that sent nothing has no phase: half of such pairs err in the slices, and their number is known from lone.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log2

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.mode_pair_counts import ModePairCounts
from haris.quantum.security.chernoff import count_above, count_below, mean_above, mean_below
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits
from haris.quantum.security.pair_decoys import ROUNDING, SINGLE_EVENTS, single_of
from haris.quantum.security.variable_length import TUPKARY

Array = NDArray[np.float64]

ZENG = "Zeng et al., Nat. Commun. 13, 3903 (2022)"
STATISTICS = "security.md, mode pairing"

EVENTS = SINGLE_EVENTS + 6
"""Means of 7 counts of z; of the slices' errors up, lone counts down, empty pairs up; single photons down, phase errors
up."""

_ASSUMPTIONS = (
    "phase-randomised pulses of known intensities, equal at both ends",
    "intensity and phase drawn independently at each end and for each window",
    "pairs follow from the announcements alone",
    "phases told only of pairs in which both ends sent the weaker intensity twice",
    "nothing of the station",
    "an authenticated classical channel",
)
PROOF = Proof(
    theorem=f"{ZENG}, with the length of {TUPKARY}; {STATISTICS}",
    attacks="coherent",
    finite=True,
    assumptions=(
        "a block of a fixed number of windows",
        "a theorem for prepare-and-measure BB84 holds for single photons in pairs of windows that a station chose",
        "the statistics are a derivation of our own, tested by linear programmes and photon numbers, not yet reviewed",
        *_ASSUMPTIONS,
    ),
)
ASYMPTOTIC = Proof(f"{ZENG}; {STATISTICS}", "coherent", False, ("an endless block", *_ASSUMPTIONS))


def z_bounds(counts: ModePairCounts, epsilon: float) -> tuple[Array, Array]:
    """Bounds on M_ab of pair_decoys for z, shape (..., 3, 3): the mean count over the weights of both intensities.

    An end that has a > 0 there sent it in either of two windows, and nothing in the other: p_a p_0 exp(-a) for each, so
    that a^n/n! of its n photons are in the one window or in the other. No photons at all are in both, and count twice.
    """
    weight = _z_weights(counts)
    scale = np.outer(weight, weight)
    return mean_below(counts.z, epsilon) / scale, mean_above(counts.z, epsilon) / scale


def single_pairs(counts: ModePairCounts, epsilon: float) -> Array:
    """Mean number of raw bits from one photon at each end, at least; SINGLE_EVENTS bounds fail with epsilon each."""
    mu, nu = counts.intensities
    yield_11 = single_of(*z_bounds(counts, epsilon), (mu, nu, 0.0))
    return np.asarray((_z_weights(counts)[0] * mu) ** 2 * yield_11)


def phase_errors(counts: ModePairCounts, epsilon: float) -> Array:
    """Mean number of phase errors among those, at most; four bounds fail with epsilon each.

    Errors of the slices are at least those of no photon at one end, half of such pairs, and those of one at each.
    """
    (mu, nu), (_, p_weak, p_none) = counts.intensities, counts.p_intensities
    twice, none = p_weak**2 * exp(-2.0 * nu), p_none**2  # of an end that sent nu twice, and nothing
    wrong = mean_above(counts.slice_errors, epsilon) / (counts.p_slice * twice**2)
    lone = mean_below(counts.lone, epsilon).sum(axis=-1) / (none * twice)
    empty = mean_above(counts.z[..., 2, 2], epsilon) / none**2
    of_one = np.maximum(wrong - np.maximum(lone - empty, 0.0) / 2.0 + ROUNDING * (wrong + lone), 0.0) / nu**2
    return np.asarray((_z_weights(counts)[0] * mu) ** 2 * of_one)


def _z_weights(counts: ModePairCounts) -> Array:
    """Of mu, nu and nothing in z: p_a p_0 exp(-a) for a > 0, and half of p_0^2."""
    (mu, nu), (p_mu, p_nu, p_none) = counts.intensities, counts.p_intensities
    return np.array([p_mu * exp(-mu), p_nu * exp(-nu), p_none / 2.0]) * p_none


def paired(counts: ModePairCounts, security: Security) -> KeyLength:
    """Length of a block's key: B_1 (1 - h(B_e)) - leaked - 2 log2(1/(2 eps_PA)) - log2(2/eps_EV).

    B_1: raw bits from one photon at each end, at least. B_e: their phase error rate, at most. All EVENTS statistical
    bounds together fail with probability epsilon_testing^2 at most. Small or empty counts give 0.
    """
    secrecy = 2.0 * log2(1.0 / (2.0 * security.epsilon_amplification))
    correctness = log2(2.0 / security.epsilon_correctness)
    return _length(counts, security, security.epsilon_testing**2 / EVENTS, (secrecy, correctness), PROOF)


def paired_asymptotic(counts: ModePairCounts, security: Security) -> KeyLength:
    """Length of the key that a block would give if its counts had no spread, with the same two decoys."""
    return _length(counts, security, 1.0, (0.0, 0.0), ASYMPTOTIC)


def _length(
    counts: ModePairCounts, security: Security, epsilon: float, costs: tuple[float, float], proof: Proof
) -> KeyLength:
    single = count_below(single_pairs(counts, epsilon), epsilon)
    errors = count_above(phase_errors(counts, epsilon), epsilon)
    phase = np.minimum(np.divide(errors, single, out=np.full_like(single, 0.5), where=single > 0.0), 0.5)
    entropy = single * binary_entropy(phase)
    leaked = security.f_ec * counts.sifted * binary_entropy(counts.qber)
    decoys = f"{STATISTICS}, two decoys of pairs"
    terms = (
        term("sifted", counts.sifted, "bits", "pairs in which both ends sent mu once", "counted or expected"),
        term("qber", counts.qber, "", "error rate among those", "counted or expected"),
        term("single", single, "bits", "those of one photon at each end, at least: B_1", decoys),
        term("phase_errors", errors, "bits", "phase errors among those, at most", STATISTICS),
        term("phase_error", phase, "", "their rate, at most: B_e", STATISTICS),
        term("entropy", entropy, "bits", "what Eve may know of them: B_1 h(B_e)", f"{TUPKARY}, theorem"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", f"{ZENG}, f n h(E)"),
        term("secrecy", costs[0], "bits", "privacy amplification: 2 log2(1/(2 eps_PA))", f"{TUPKARY}, theorem"),
        term("correctness", costs[1], "bits", "verification: log2(2/eps_EV)", f"{TUPKARY}, theorem"),
    )
    return KeyLength(whole_bits(single - entropy - leaked - sum(costs)), terms, proof)


_BOUNDS: dict[str, Callable[[ModePairCounts, Security], KeyLength]] = {
    "mode-pairs": paired,
    "mode-pairs-asymptotic": paired_asymptotic,
}

PROOFS = {"mode-pairs": PROOF, "mode-pairs-asymptotic": ASYMPTOTIC}
"""By the name of the bound, the finite one first."""


def key_length(counts: ModePairCounts, security: Security) -> KeyLength:
    """Length of a block's key by security.bound. Raises ParameterError on a bound of another protocol."""
    if security.bound not in _BOUNDS:
        raise ParameterError(f"bound must be one of {', '.join(_BOUNDS)}, got {security.bound!r}")
    return _BOUNDS[security.bound](counts, security)
