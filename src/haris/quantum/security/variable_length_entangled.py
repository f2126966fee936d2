"""A key of variable length from a block of a fixed number of windows of entangled pairs.

The theorem of variable_length with every coincidence in place of a single photon: the number of key-basis coincidences
is counted, not bounded, so that the random sampling is the only event that may fail.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits
from haris.quantum.security.koashi_preskill2003 import ASSUMPTIONS
from haris.quantum.security.variable_length import PROOF as DECOY_PROOF
from haris.quantum.security.variable_length import TUPKARY, phase_error_rate

PROOF = replace(
    DECOY_PROOF,
    theorem=f"variable length, without decoys, {TUPKARY}, arXiv:2408.17349",
    assumptions=("a block of a fixed number of windows", *ASSUMPTIONS),
)


def entangled_variable_length(counts: CoincidenceCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Length n (1 - h(B_e)) - leaked - 2 log2(1 / (2 eps_PA)) - log2(2 / eps_EV) of one block; 0 where it is empty.

    counts: shape (..., 2), measured or expected. B_e: from the errors of the test basis by the exact hypergeometric
    tail at epsilon_testing^2. Given which windows coincided in matched bases, which of them were of the test basis is a
    random choice, for detection does not depend on it.
    """
    n = np.floor(counts.coincidences[..., KEY_BASIS].astype(np.float64))
    sample = np.floor(counts.coincidences[..., TEST_BASIS].astype(np.float64))
    wrong = np.ceil(counts.errors[..., TEST_BASIS].astype(np.float64))
    epsilon = security.epsilon_testing**2
    phase = phase_error_rate(wrong, sample, n, epsilon)
    entropy = n * binary_entropy(phase)
    amplification = -2.0 * np.log2(2.0 * security.epsilon_amplification)
    correctness = np.log2(2.0 / security.epsilon_correctness)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    sampling = f"hypergeometric tail, {epsilon:.2g} = epsilon_testing^2"
    terms = (
        term("sifted", n, "bits", "coincidences of the key basis", "counted or expected"),
        term("qber", counts.qber[..., KEY_BASIS], "", "error rate among those", "counted or expected"),
        term("sample", sample, "bits", "coincidences of the test basis", "counted or expected"),
        term("sample_errors", wrong, "bits", "errors among those", "counted or expected"),
        term("phase_error", phase, "", "phase error rate of the key basis, at most: B_e", sampling),
        term("entropy", entropy, "bits", "what Eve may know: n h(B_e)", f"{TUPKARY}, theorem"),
        term("leaked", leaked, "bits", "disclosed by reconciliation and verification", "counted or f_ec n h(qber)"),
        term("secrecy", amplification, "bits", "privacy amplification: 2 log2(1/(2 eps_PA))", f"{TUPKARY}, theorem"),
        term("correctness", correctness, "bits", "verification: log2(2/eps_EV)", f"{TUPKARY}, theorem"),
    )
    return KeyLength(whole_bits(n - entropy - leaked - amplification - correctness), terms, PROOF)
