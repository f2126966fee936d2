"""The asymptotic decoy rate: Ma, Qi, Zhao, Lo, PRA 72, 012326 (2005)."""

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import TEST_BASIS, DecoyCounts
from haris.nouns.keys import Proof
from haris.quantum.security.decoys import within
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits
from haris.quantum.security.lim2014 import two_decoys
from haris.quantum.security.rusca2018 import one_decoy

MA = "Ma et al., PRA 72, 012326 (2005)"

PROOF = Proof(f"{MA}, Eq. (1)", attacks="coherent", finite=False, assumptions=("an endless block",))


def rate_per_pulse(
    gain: ArrayLike, qber: ArrayLike, single_gain: ArrayLike, single_error: ArrayLike, f_ec: float, sift: float = 0.5
) -> NDArray[np.float64]:
    """Secret bits a pulse of signal intensity, sift (Q_1 (1 - h(e_1)) - Q f h(E)), at least 0. Source: Eq. (1)."""
    q1, e1 = np.asarray(single_gain, dtype=np.float64), np.asarray(single_error, dtype=np.float64)
    secret = q1 * (1.0 - binary_entropy(np.minimum(e1, 0.5)))
    disclosed = np.asarray(gain, dtype=np.float64) * f_ec * binary_entropy(qber)
    return np.asarray(np.maximum(sift * (secret - disclosed), 0.0))


def vacuum_weak(
    gains: tuple[ArrayLike, ArrayLike], qbers: tuple[ArrayLike, ArrayLike], mu: float, nu: float, y0: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Yield Y_1 (lower bound) and error rate e_1 (upper) of single photons from vacuum and a weak decoy.

    gains, qbers: of the signal mu and the decoy nu < mu, per pulse. y0: yield of empty pulses, known exactly.
    Source: Eqs. (34) and (37), an empty pulse erring half the time.
    """
    q_mu, q_nu = (np.asarray(q, dtype=np.float64) for q in gains)
    e_nu = np.asarray(qbers[1], dtype=np.float64)
    multi = q_mu * exp(mu) * nu**2 / mu**2 + (mu**2 - nu**2) / mu**2 * y0
    y1 = np.maximum(mu / (mu * nu - nu**2) * (q_nu * exp(nu) - multi), 0.0)
    wrong = np.maximum(e_nu * q_nu * exp(nu) - y0 / 2.0, 0.0)
    e1 = np.divide(wrong, y1 * nu, out=np.full_like(wrong, 0.5), where=y1 > 0)
    return y1, np.minimum(e1, 0.5)


def asymptotic(counts: DecoyCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Length that a block would give if its counts had no spread: the ceiling of every finite bound here."""
    photons = (two_decoys if len(counts.intensities) == 3 else one_decoy)(counts, 1.0)
    sample = photons.test_single_lower
    wrong = within(photons.test_errors_upper, counts.errors[..., TEST_BASIS, :].sum(axis=-1))
    phase = np.minimum(np.divide(wrong, sample, out=np.full_like(wrong, 0.5), where=sample > 0), 0.5)
    entropy = photons.key_single_lower * binary_entropy(phase)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    length = photons.key_vacuum_lower + photons.key_single_lower - entropy - leaked
    terms = (
        term("vacuum", photons.key_vacuum_lower, "bits", "key-basis clicks of empty pulses, at least", f"{MA}, Q_0"),
        term("single", photons.key_single_lower, "bits", "key-basis clicks of single photons, at least", f"{MA}, Q_1"),
        term("phase_error", phase, "", "error rate of single photons, at most", f"{MA}, e_1"),
        term("entropy", entropy, "bits", "what Eve may know of single photons", f"{MA}, Eq. (1)"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", f"{MA}, Eq. (1)"),
    )
    return KeyLength(whole_bits(length), terms, PROOF)
