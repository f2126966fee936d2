"""Finite key of measurement-device-independent QKD: Curty et al., Nat. Commun. 5, 3732 (2014), its statistics anew.

As there: coherent attacks, two decoys, and an entropic uncertainty relation for the pairs of single photons. Otherwise:
- Counts are bounded by the exact inverse of Chernoff's bound. The printed Gamma, and the case distinctions of the
  printed Claim 3, are not used.
- Random sampling takes the exact hypergeometric tail. A pair of single photons does not tell its basis, whatever the
  station does: averaged over the bits both bases send the same state. So among the announced pairs of single photons,
  which became test (both X) and which key (both Z, both signal) is drawn after the fact, independently for each pair
  and of whether its X bits would disagree. Given their numbers, the test is a uniformly random sample of both.
- The error rate of the key's X bits goes into the entropy, not their number.
- Both announced Bell states make one key. Which of them was announced is public and says which bit to flip; the
  argument above holds for their union, and the larger sample is the better one.
- A block is a fixed number of pulse pairs, and the length follows what is counted: the theorem for variable length of
  variable_length.py, on the pairs of single photons that the station announced. Seen from behind the announcement these
  are the qubits of an entanglement-based BB84 with perfect detectors, of a source that Eve holds.
- Empty pulses give no key, though Curty counts Alice's.
docs/explanation/security.md counts the events.
"""

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import ArrayLike

from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.keys import Proof
from haris.nouns.pair_counts import PairCounts
from haris.quantum.security.chernoff import count_below
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits
from haris.quantum.security.pair_decoys import (
    ERROR_EVENTS,
    SINGLE_EVENTS,
    errors_above,
    require_pair_decoys,
    single_below,
    single_share,
)
from haris.quantum.security.variable_length import TUPKARY, phase_error_rate

CURTY = "Curty et al., Nat. Commun. 5, 3732 (2014)"
XU = "Xu et al., New J. Phys. 15, 113007 (2013)"

PROOF = Proof(
    theorem=f"{CURTY}, its statistics derived anew, with the length of {TUPKARY}",
    attacks="coherent",
    finite=True,
    assumptions=(
        "a block of a fixed number of pulse pairs",
        "phase-randomised pulses from both ends, intensity and basis drawn independently for each",
        "single photons that do not tell their basis",
        "a theorem for prepare-and-measure BB84 holds for single photons that meet at a station",
        "nothing of the station",
        "an authenticated classical channel",
    ),
)

EVENTS = 2 * SINGLE_EVENTS + ERROR_EVENTS + 2
"""Clicks of either basis, errors of the test basis, signals among single photons, random sampling."""


def secret_key_length(counts: PairCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Secret bits extractable from the pairs of signal pulses in the key basis of one block.

    counts: measured or expected, shape (..., 2, 3, 3). leaked_bits: everything disclosed about the key, as for
    variable_length.secret_key_length. Returns lengths >= 0 (0: abort) with every term; small or empty counts give 0.
    Raises ParameterError unless there are three intensities.
    """
    require_pair_decoys(counts.intensities)
    epsilon = security.epsilon_testing**2 / EVENTS
    mu, p_signal = counts.intensities[0], counts.p_intensities[0]
    sifted = np.asarray(counts.clicks[..., KEY_BASIS, 0, 0], dtype=np.float64)
    tested = counts.clicks[..., TEST_BASIS, :, :].sum(axis=(-2, -1)).astype(np.float64)
    mistaken = counts.errors[..., TEST_BASIS, :, :].sum(axis=(-2, -1)).astype(np.float64)

    signals = (p_signal * mu * exp(-mu)) ** 2 * single_below(counts, KEY_BASIS, epsilon)
    single = np.floor(np.minimum(count_below(signals, epsilon), sifted))
    share = single_share(counts) ** 2
    sample = np.floor(np.minimum(share * single_below(counts, TEST_BASIS, epsilon), tested))
    wrong = np.ceil(np.minimum(share * errors_above(counts, TEST_BASIS, epsilon), mistaken))
    phase = phase_error_rate(wrong, sample, single, epsilon)

    entropy = single * binary_entropy(phase)
    amplification = -2.0 * np.log2(2.0 * security.epsilon_amplification)
    correctness = np.log2(2.0 / security.epsilon_correctness)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    length = single - entropy - leaked - amplification - correctness

    estimate = f"{XU}, section 4, inverted Chernoff bounds, each {epsilon:.2g}"
    sampling = f"hypergeometric tail, {epsilon:.2g}; epsilon_testing^2 = {EVENTS} x {epsilon:.2g}"
    terms = (
        term("sifted", sifted, "bits", "signal pairs announced, key basis", "counted or expected"),
        term("qber", counts.signal_qber[..., KEY_BASIS], "", "error rate among those", "counted or expected"),
        term("single", single, "bits", "pairs of single photons among those, at least: B_1", estimate),
        term("sample", sample, "pairs", "test-basis pairs of single photons, at least", estimate),
        term("sample_errors", wrong, "pairs", "errors among those, at most", estimate),
        term("phase_error", phase, "", "phase error rate of single photons, at most: B_e", sampling),
        term("entropy", entropy, "bits", "what Eve may know of single photons: B_1 h(B_e)", f"{TUPKARY}, theorem"),
        term("leaked", leaked, "bits", "disclosed by reconciliation and verification", "counted or f_ec n h(qber)"),
        term("secrecy", amplification, "bits", "privacy amplification: 2 log2(1/(2 eps_PA))", f"{TUPKARY}, theorem"),
        term("correctness", correctness, "bits", "verification: log2(2/eps_EV)", f"{TUPKARY}, theorem"),
    )
    return KeyLength(whole_bits(length), terms, PROOF)
