"""The asymptotic rate of measurement-device-independent QKD: Lo, Curty, Qi, PRL 108, 130503 (2012)."""

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import KEY_BASIS
from haris.nouns.keys import Proof
from haris.nouns.pair_counts import PairCounts
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, term, whole_bits

LO = "Lo, Curty, Qi, PRL 108, 130503 (2012)"

PROOF = Proof(
    theorem=f"{LO}, Eq. (1)",
    attacks="coherent",
    finite=False,
    assumptions=(
        "an endless block, and endlessly many decoys: yield and errors of single photons known exactly",
        "phase-randomised pulses from both ends",
        "single photons that do not tell their basis",
        "nothing of the station",
    ),
)


def rate_per_pair(
    gain: ArrayLike, qber: ArrayLike, single_gain: ArrayLike, phase_error: ArrayLike, f_ec: float
) -> NDArray[np.float64]:
    """Secret bits a pair of key-basis signals, Q11 (1 - h(e11)) - Q f h(E), at least 0. Source: Eq. (1)."""
    e11 = np.minimum(np.asarray(phase_error, dtype=np.float64), 0.5)
    secret = np.asarray(single_gain, dtype=np.float64) * (1.0 - binary_entropy(e11))
    return np.asarray(np.maximum(secret - np.asarray(gain, dtype=np.float64) * f_ec * binary_entropy(qber), 0.0))


def asymptotic(
    counts: PairCounts, p_key_basis: float, single_yield: ArrayLike, phase_error: ArrayLike, leaked_bits: ArrayLike
) -> KeyLength:
    """Length that a block would give if its counts had no spread and its decoys no end: the ceiling of finite bounds.

    counts: expected, shape (..., 2, k, k). p_key_basis: at each end. single_yield, phase_error: of pairs of single
    photons, shape (...): how often the station announces one, and how often it errs in the test basis. leaked_bits:
    disclosed by reconciliation of the pairs of signal pulses.
    """
    mu, p_signal = counts.intensities[0], counts.p_intensities[0]
    sent = counts.n_pulses * (p_key_basis * p_signal * mu * exp(-mu)) ** 2
    single = np.minimum(sent * np.asarray(single_yield, dtype=np.float64), counts.clicks[..., KEY_BASIS, 0, 0])
    phase = np.minimum(np.asarray(phase_error, dtype=np.float64), 0.5)
    entropy = single * binary_entropy(phase)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    terms = (
        term("sifted", counts.clicks[..., KEY_BASIS, 0, 0], "bits", "signal pairs announced, key basis", "expected"),
        term("qber", counts.signal_qber[..., KEY_BASIS], "", "error rate among those", "expected"),
        term("single", single, "bits", "pairs of single photons among those", f"{LO}, Q11"),
        term("phase_error", phase, "", "error rate of single photons in the test basis", f"{LO}, e11"),
        term("entropy", entropy, "bits", "what Eve may know of single photons", f"{LO}, Eq. (1)"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", f"{LO}, Eq. (1)"),
    )
    return KeyLength(whole_bits(single - entropy - leaked), terms, PROOF)
