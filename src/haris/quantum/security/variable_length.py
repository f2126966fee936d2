"""The bound that shortens live keys: a key of variable length from a block of a fixed number of pulses.

Theorem (Tupkary, Nahar, Sinha, Lütkenhaus, Quantum 9, 1937 (2025), arXiv:2408.17349). Let B_1 and B_e be functions of
what is announced, such that whatever Eve does

    Pr[ N_1 < B_1  or  e_phase > B_e ] <= epsilon_testing^2 ,

N_1 being the single-photon clicks of the key basis and e_phase their phase error rate. Then a key of

    B_1 (1 - h(B_e)) - leaked - 2 log2(1 / (2 epsilon_amplification)) - log2(2 / epsilon_correctness)

bits, rounded down, is (2 epsilon_testing + epsilon_amplification + epsilon_correctness)-secure. The square makes the
statistics cost more than in Lim 2014; docs/explanation/security.md says why, and how the events are counted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.quantum.security import lim2014, rusca2018
from haris.quantum.security.decoys import Photons, within
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import BlockLength, KeyLength, Security, term, whole_bits
from haris.quantum.security.tails import unsampled_errors

TUPKARY = "Tupkary et al., Quantum 9, 1937 (2025)"

PROOF = Proof(
    theorem=f"variable-length decoy BB84, {TUPKARY}, arXiv:2408.17349",
    attacks="coherent",
    finite=True,
    assumptions=(
        "a block of a fixed number of pulses",
        "phase-randomised pulses, intensity and basis drawn independently for each",
        "single photons that do not tell their basis",
        "detection efficiency and dark counts that do not depend on the basis",
        "a basis that the receiver draws for each gate",
        "a double click becomes a random bit",
        "every click blinds both detectors for the same dead time; clicks within it are dropped",
        "after-pulses do not correlate a round with an earlier one",
        "an authenticated classical channel",
    ),
)


def secret_key_length(counts: DecoyCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Secret bits extractable from one decoy-state BB84 block: the bound of the live key, and of the plan.

    counts: sifted clicks and errors, shape (..., 2, k), k = 2 (one decoy) or 3 (two), measured or expected. The errors
    of the key basis by intensity are those that reconciliation found: one decoy leans on them, and an understated
    number would make the key too long.
    leaked_bits: everything disclosed about the key, in both directions: parities, failed frames, the error counts and
    the verification tag; shape of the leading axes or scalar. The theorem's own charge for the tag is made besides.
    Returns lengths >= 0 (0: abort) with every term; small or empty counts give 0.
    Raises ParameterError if security names another bound, or on intensities that the estimate cannot use.
    """
    require_live_bound(security)
    two = len(counts.intensities) == 3
    paper = lim2014.LIM if two else rusca2018.RUSCA
    events = lim2014.EVENTS if two else rusca2018.EVENTS
    return length_by(by_decoys, events, f"{paper}, one-sided Hoeffding", counts, security, leaked_bits, PROOF)


def by_decoys(counts: DecoyCounts, epsilon: float) -> Photons:
    """Photons by one or two decoys, each bound failing with probability epsilon."""
    if len(counts.intensities) == 3:
        return lim2014.two_decoys(counts, epsilon)
    return rusca2018.one_decoy(counts, epsilon, rusca2018.binomial_vacuum)


def length_by(
    photons_by: Callable[[DecoyCounts, float], Photons],
    n_bounds: int,
    estimate: str,
    counts: DecoyCounts,
    security: Security,
    leaked_bits: ArrayLike,
    proof: Proof,
) -> KeyLength:
    """The theorem's length from an estimate of photons that leans on n_bounds bounds; estimate: whose it is."""
    events = n_bounds + 1  # and the random sampling
    epsilon = security.epsilon_testing**2 / events
    photons = photons_by(counts, epsilon)

    single, sample = np.floor(photons.key_single_lower), np.floor(photons.test_single_lower)
    # The printed estimate may pass all the errors there are, and often does.
    wrong = np.ceil(within(photons.test_errors_upper, counts.errors[..., TEST_BASIS, :].sum(axis=-1)))
    phase = phase_error_rate(wrong, sample, single, epsilon)
    entropy = single * binary_entropy(phase)
    amplification = -2.0 * np.log2(2.0 * security.epsilon_amplification)
    correctness = np.log2(2.0 / security.epsilon_correctness)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    length = single - entropy - leaked - amplification - correctness

    estimate = f"{estimate}, each {epsilon:.2g}"
    sampling = f"hypergeometric tail, {epsilon:.2g}; epsilon_testing^2 = {events} x {epsilon:.2g}"
    sifted = counts.clicks[..., KEY_BASIS, :].sum(axis=-1)
    terms = (
        term("sifted", sifted, "bits", "key-basis clicks of all intensities", "counted or expected"),
        term("qber", counts.qber[..., KEY_BASIS], "", "error rate among those", "counted or expected"),
        term("single", single, "bits", "key-basis clicks of single photons, at least: B_1", estimate),
        term("sample", sample, "clicks", "test-basis clicks of single photons, at least", estimate),
        term("sample_errors", wrong, "clicks", "errors among those, at most", estimate),
        term("phase_error", phase, "", "phase error rate of single photons, at most: B_e", sampling),
        term("entropy", entropy, "bits", "what Eve may know of single photons: B_1 h(B_e)", f"{TUPKARY}, theorem"),
        term("leaked", leaked, "bits", "disclosed by reconciliation and verification", "counted or f_ec n h(qber)"),
        term("secrecy", amplification, "bits", "privacy amplification: 2 log2(1/(2 eps_PA))", f"{TUPKARY}, theorem"),
        term("correctness", correctness, "bits", "verification: log2(2/eps_EV)", f"{TUPKARY}, theorem"),
    )
    return KeyLength(whole_bits(length), terms, proof)


def require_live_bound(security: Security) -> None:
    """Raise ParameterError unless this bound is the one that is asked for."""
    if security.bound != "variable-length":
        raise ParameterError(f"a live key needs bound = 'variable-length', got {security.bound!r}")


def block_length(counts: DecoyCounts, security: Security, leaked_bits: int) -> BlockLength:
    """secret_key_length of one measured block, as distillation asks for it. Raises as it does."""
    key = secret_key_length(counts, security, leaked_bits)
    return BlockLength(int(key.length_bits), key.terms, key.proof)


def phase_error_rate(
    errors: NDArray[np.float64], sample: NDArray[np.float64], single: NDArray[np.float64], epsilon: float
) -> NDArray[np.float64]:
    """Phase error rate of `single` key-basis photons from `errors` among `sample` test-basis ones, at most 1/2.

    Fails with probability at most epsilon. The basis of a single photon is random to everybody but the two ends, so
    the test clicks are a random sample of all single-photon clicks. The true sizes are at least sample and single: a
    larger sample with no more errors never raises the bound, and the key-basis photons beyond a random subset of
    `single` may be handed to Eve.
    """
    wrong = unsampled_errors(np.minimum(errors, sample), sample, single, epsilon)
    rate = np.divide(wrong, single, out=np.full_like(single, 0.5), where=(single > 0) & (sample > 0))
    return np.minimum(rate, 0.5)
