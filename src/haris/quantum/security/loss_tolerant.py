"""Keys of three states, ideal or not: the loss-tolerant analysis with decoys, asymptotic and finite.

Each click of a single photon is a draw, given all that came before, of what was sent and how it was measured. Whatever
Eve did, the chance of a phase error is the weighted sum of the chances of what is counted, round by round, and it is
bounded, too, by how often key states err and how the test state does (virtual_states.py). Sums of chances become
counts, and counts sums of chances, by Chernoff's bound, which such draws obey though they depend on each other.
docs/explanation/security.md derives the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.keys import Proof
from haris.nouns.three_state_counts import TEST_STATE, ThreeStateCounts
from haris.quantum.security.chernoff import count_above, mean_above, mean_below
from haris.quantum.security.decoys import require_decoys
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits
from haris.quantum.security.rusca2018 import binomial_vacuum
from haris.quantum.security.virtual_states import (
    MINUS,
    PLUS,
    least_test_chance,
    phase_error_chance,
    phase_error_weights,
)
from haris.quantum.security.weighted_decoys import (
    EVENTS_ABOVE,
    EVENTS_BELOW,
    Intensities,
    Weighted,
    single_above,
    single_below,
)

Array = NDArray[np.float64]

TAMAKI = "Tamaki, Curty, Kato, Lo, Azuma, PRA 90, 052314 (2014)"
TUPKARY = "Tupkary et al., Quantum 9, 1937 (2025)"

_SHARED = (
    "phase-randomised pulses, intensity and state drawn independently for each",
    "single photons in three known pure states of one qubit, and no other difference between them",
    "detection efficiency that does not depend on the basis but for a factor that all photons share, as the "
    "interferometer's loss; dark counts then weigh more in the test basis, on the safe side",
    "a basis that the receiver draws for each gate: behind a beam splitter the number of photons that Eve sends would "
    "shift the share of a basis, which no proof here covers",
    "a double click becomes a random bit, so that whatever light comes is measured as a qubit is",
    "every click blinds all detectors for the same dead time",
    "an authenticated classical channel",
)

_PHASE_ERRORS = (
    f"phase errors as {TAMAKI}, or by the errors of the key basis (docs/explanation/security.md, Three states)"
)

ASYMPTOTIC = Proof(_PHASE_ERRORS, attacks="coherent", finite=False, assumptions=("an endless block", *_SHARED))

FINITE = Proof(
    theorem=f"{_PHASE_ERRORS}; length as the theorem of {TUPKARY}",
    attacks="coherent",
    finite=True,
    assumptions=(
        "a block of a fixed number of pulses",
        "the length of prepared BB84 carries over: it needs single photons and phase errors bounded, however they are",
        "counts as they were predicted: each bound of dependent draws is chosen before the block for the numbers that "
        "are expected, and here taken at these numbers",
        *_SHARED,
    ),
)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is known of both ends. angles_rad: of the states, key, key and test. p_states: with which each is sent.

    empty_ratio: clicks of an empty pulse in the test basis for one in the key basis, at most.
    """

    angles_rad: tuple[float, float, float]
    p_states: tuple[float, float, float]
    empty_ratio: float


@dataclass(frozen=True, slots=True)
class PhaseErrors:
    """Single photons of the key basis, at least; those of the key states in the test basis, at least; and the rate.

    by_sum, by_key_errors: phase errors of the former as a sum of their chances, at most, in two ways: from all that the
    test basis shows, and from the errors of the test state and of the key basis. rate: phase error rate of the former,
    by the lesser of the two, at most 1/2. events: bounds that this leans on.
    """

    single: Array
    sample: Array
    by_sum: Array
    by_key_errors: Array
    rate: Array
    events: int


def events(n_intensities: int) -> int:
    """How many bounds may fail: decoys and a sum of chances of six groups, decoys of two sizes, and what joins them."""
    above, below = EVENTS_ABOVE[n_intensities], EVENTS_BELOW[n_intensities]
    empty = 0 if n_intensities == 3 else 4 + 3  # errors of two intensities, half of them, one mean; three transfers
    return 4 * (above + 1) + 2 * (below + 1) + 2 * below + 3 + empty


def phase_errors(counts: ThreeStateCounts, prepared: Preparation, epsilon: float) -> PhaseErrors:
    """Bounds of a block, each failing with probability epsilon (1: no deviations), shape of the sweep."""
    light = Intensities(counts.intensities, counts.p_intensities)
    weights = phase_error_weights(prepared.angles_rad, prepared.p_states)
    test = np.asarray(counts.test_clicks, dtype=np.float64)
    two = len(counts.intensities) == 2
    empty_mean = mean_above(_empty(counts, light, epsilon), epsilon) * prepared.empty_ratio if two else None
    p_key = prepared.p_states[0] + prepared.p_states[1]

    def empty(share: float) -> Array | None:
        """Clicks of empty pulses in the test basis, of states that are sent share times as often as key states."""
        return None if empty_mean is None else count_above(share * empty_mean, epsilon)

    expected = np.zeros(counts.sifted.shape)
    for states, share in (
        (slice(0, TEST_STATE), 1.0),
        (slice(TEST_STATE, None), prepared.p_states[TEST_STATE] / p_key),
    ):
        clicks, g = test[..., states, :, :], weights[states]
        if np.any(g > 0.0):
            group, unit = _group(clicks, np.maximum(g, 0.0))
            expected = expected + unit * mean_above(single_above(group, light, epsilon), epsilon)
        if np.any(g < 0.0):
            group, unit = _group(clicks, np.maximum(-g, 0.0))
            expected = expected - unit * mean_below(single_below(group, light, epsilon, empty(share)), epsilon)
    key_states, _ = _group(test[..., :TEST_STATE, :, :], np.ones((TEST_STATE, 2)))
    sample = single_below(key_states, light, epsilon, empty(1.0))
    sifted = np.asarray(counts.key_clicks, dtype=np.float64)
    vacuum = _empty(counts, light, epsilon) if two else None
    single = single_below(Weighted(sifted, sifted), light, epsilon, vacuum)
    # Bob draws the basis of each photon: chances in the key basis are those in the test basis times one ratio. The rate
    # falls with the true number of photons, so that a lower bound may stand for it.
    clicks, in_test = mean_above(single, epsilon), mean_below(sample, epsilon)
    ratio = np.divide(clicks, in_test, out=np.zeros_like(sample), where=in_test > 0.0)
    by_sum = ratio * np.maximum(expected, 0.0)

    def chances(of: Array) -> Array:
        """Sum of the chances of such clicks of single photons, at most."""
        return mean_above(single_above(Weighted(of, of), light, epsilon), epsilon)

    key_errors = chances(np.asarray(counts.key_errors, dtype=np.float64))
    as_key = ratio * p_key / prepared.p_states[TEST_STATE]
    of_test, right = (as_key * chances(test[..., TEST_STATE, outcome, :]) for outcome in (MINUS, PLUS))
    # A test state that is not seen is not seen without errors: what is missing counts as wrong, which is never less.
    due = least_test_chance(prepared.angles_rad, mean_below(single, epsilon), key_errors)
    of_test = np.maximum(of_test, due - right)
    by_key_errors = phase_error_chance(prepared.angles_rad, of_test, key_errors, clicks)
    wrong = count_above(np.minimum(by_sum, by_key_errors), epsilon)
    some = (in_test > 0.0) & (single > 0.0)
    rate = np.minimum(np.divide(wrong, single, out=np.full_like(single, 0.5), where=some), 0.5)
    return PhaseErrors(single, sample, by_sum, by_key_errors, rate, events(len(counts.intensities)))


def _group(clicks: Array, weights: Array) -> tuple[Weighted, float]:
    """Clicks (..., j, s, k) under weights (j, s), in units of the greatest of them, and that unit."""
    unit = float(weights.max())
    share = (weights / unit)[..., None]
    return Weighted((share * clicks).sum(axis=(-3, -2)), (share**2 * clicks).sum(axis=(-3, -2))), unit


def _empty(counts: ThreeStateCounts, light: Intensities, epsilon: float) -> Array:
    """Clicks of empty pulses in the key basis, at most: they err half the time. Rusca et al., Eq. (A16)."""
    errors = np.asarray(counts.key_errors, dtype=np.float64)
    upper, _ = Weighted(errors, errors).scaled(light, epsilon)
    return binomial_vacuum(light.tau(0) * upper.min(axis=-1), counts.sifted, epsilon)


def finite(counts: ThreeStateCounts, prepared: Preparation, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Secret bits of a block, B_1 (1 - h(phase error)) - leaked - 2 log2(1/(2 eps_PA)) - log2(2/eps_EV), at least 0.

    All bounds together fail with probability epsilon_testing^2 at most. Raises ParameterError on intensities that
    decoys cannot use.
    """
    require_decoys(counts.intensities)
    epsilon = security.epsilon_testing**2 / events(len(counts.intensities))
    secrecy = -2.0 * np.log2(2.0 * security.epsilon_amplification)
    correctness = np.log2(2.0 / security.epsilon_correctness)
    return _length(counts, phase_errors(counts, prepared, epsilon), leaked_bits, secrecy, correctness, FINITE)


def asymptotic(counts: ThreeStateCounts, prepared: Preparation, leaked_bits: ArrayLike) -> KeyLength:
    """Length that a block would give if its counts had no spread: the ceiling of the finite one."""
    require_decoys(counts.intensities)
    return _length(counts, phase_errors(counts, prepared, 1.0), leaked_bits, 0.0, 0.0, ASYMPTOTIC)


def _length(
    counts: ThreeStateCounts,
    found: PhaseErrors,
    leaked_bits: ArrayLike,
    secrecy: float,
    correctness: float,
    proof: Proof,
) -> KeyLength:
    entropy = found.single * binary_entropy(found.rate)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    length = found.single - entropy - leaked - secrecy - correctness
    terms = (
        term("sifted", counts.sifted, "bits", "key-basis clicks of key states", "counted or expected"),
        term("qber", counts.qber, "", "error rate among those", "counted or expected"),
        term("single", found.single, "bits", "those of single photons, at least: B_1", "Lim 2014 or Rusca 2018"),
        term("sample", found.sample, "clicks", "key states in the test basis, single photons, at least", TAMAKI),
        term("virtual_errors", found.by_sum, "bits", "phase errors by virtual states, at most", f"{TAMAKI}, Y_vir"),
        term("linked_errors", found.by_key_errors, "bits", "the same by errors of the key basis", "security.md"),
        term("phase_error", found.rate, "", "phase error rate of single photons, at most", f"{TAMAKI}, e_X"),
        term("entropy", entropy, "bits", "what Eve may know of single photons: B_1 h(phase error)", TUPKARY),
        term("leaked", leaked, "bits", "disclosed by reconciliation", "f_ec n h(qber)"),
        term("secrecy", secrecy, "bits", "privacy amplification: 2 log2(1/(2 eps_PA))", TUPKARY),
        term("correctness", correctness, "bits", "verification: log2(2/eps_EV)", TUPKARY),
    )
    return KeyLength(whole_bits(length), terms, proof)
