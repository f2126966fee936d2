"""Differential phase shift with packets of three pulses: Mizutani, Takeuchi, Tamaki, PR Research 5, 023132 (2023).

Alice's virtual qubit of each pulse is found odd if the pulse has an odd number of photons. Bob's photon is in one of
the two pulses that met; a phase errs if the other is odd. Where one pulse of the three is odd, phases err at most
3 + sqrt(5) times as often as bits; where two or three are, always. A packet of one and a packet of three odd pulses
interfere, which costs a cross term.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import pdtrc

from haris.nouns.keys import Proof
from haris.nouns.packet_counts import PacketCounts
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.kato import probabilities_above
from haris.quantum.security.key_length import KeyLength, Security, Term, term, whole_bits

Floats = NDArray[np.float64]

MIZUTANI = "Mizutani, Takeuchi, Tamaki, PR Research 5, 023132 (2023)"
ENDLESS = "Mizutani et al., npj Quantum Inf. 5, 87 (2019)"
HERE = "derived here"

PHASES_PER_BIT = 3.0 + sqrt(5.0)
"""Phase errors over bit errors, at most, where one pulse of three is odd: lambda."""

_ASSUMPTIONS = (
    "independent pulses; phases 0 and pi, as likely",
    "Bob draws for each packet that he keeps whether it makes key",
    "detectors that tell one photon from more",
    "an interferometer of equal halves; detection efficiency and dark counts that depend neither on the period nor on "
    "the detector",
    "an authenticated classical channel",
)
_COHERENT = "coherent states whose phases are 0 and pi exactly"

PROOF = Proof(
    theorem=f"{MIZUTANI}, theorem 3 and corollary 1",
    attacks="coherent",
    finite=True,
    assumptions=(
        "a block of a fixed number of packets",
        "packets whose photon numbers are Poissonian of a known mean",
        *_ASSUMPTIONS,
    ),
)
TIGHTENED_PROOF = Proof(
    theorem=f"{MIZUTANI}, theorem 3, with odd pulses counted, not photons, and its sum S_1 at most the share of the "
    f"kept packets that makes key ({HERE})",
    attacks="coherent",
    finite=True,
    assumptions=("a block of a fixed number of packets", _COHERENT, *_ASSUMPTIONS),
)
ASYMPTOTIC_PROOF = Proof(
    theorem=f"{ENDLESS}, tightened in the same way ({HERE})",
    attacks="coherent",
    finite=False,
    assumptions=("an endless block", _COHERENT, *_ASSUMPTIONS),
)


def photon_tails(intensity: float) -> Floats:
    """Probabilities that three pulses have at least 1, 2 and 3 photons. Source: Eq. (3) for Eq. (51)."""
    return np.asarray(pdtrc(np.arange(3), 3.0 * intensity))


def odd_tails(intensity: float) -> Floats:
    """Probabilities that at least 1, 2 and 3 of three pulses have an odd number of photons."""
    odd = -0.5 * np.expm1(-2.0 * intensity)
    return np.array([odd * (3.0 - odd * (3.0 - odd)), odd**2 * (3.0 - 2.0 * odd), odd**3])


def endless_phase_error(qber: ArrayLike, kept: ArrayLike, tails: Floats, tightened: bool) -> Floats:
    """Phase error rate without end, at most, and at most 1/2; shape of qber and kept.

    kept: probability of a packet that is kept. tails: of at least 1, 2 and 3. tightened: a packet with one odd pulse is
    kept no more often than any.
    Source: lambda (e + sqrt(q1 q3) / Q) + q2 / Q, npj Quantum Inf. 5, 87 (2019), theorem.
    """
    e, q = np.asarray(qber, dtype=np.float64), np.asarray(kept, dtype=np.float64)
    one = np.minimum(tails[0], q) if tightened else tails[0]
    excess = np.minimum(PHASES_PER_BIT * np.sqrt(one * tails[2]) + tails[1], q)
    excess = np.divide(excess, q, out=np.ones_like(q), where=q > 0.0)
    return np.asarray(np.minimum(PHASES_PER_BIT * e + excess, 0.5))


def phase_errors(
    key: PacketCounts, test: PacketCounts, p_key: float, tails: Floats, epsilons: tuple[float, float], tightened: bool
) -> Floats:
    """Phase errors among the packets that make key, at most: fails with probability at most 3 e1 + 3 e2.

    key, test: packets kept of either kind. epsilons: e1 of a sum of conditional probabilities, e2 of a number of
    packets that were sent. tightened: S_1 <= p_key times the packets kept, each term being a probability.
    Source: theorem 3, Eq. (42).
    """
    cost_sum, cost_sent = (-np.log(epsilon) for epsilon in epsilons)
    kept = key.kept + test.kept
    mean = p_key * key.packets * tails
    one, two, three = mean + (cost_sent + np.sqrt(cost_sent**2 + 8.0 * cost_sent * mean)) / 2.0
    azuma = np.sqrt(2.0 * kept * cost_sum)
    ratio = PHASES_PER_BIT * p_key / (1.0 - p_key)
    sum_one = np.minimum(one + azuma, p_key * kept) if tightened else one + azuma
    sum_three = probabilities_above(three, kept, three, epsilons[0])
    swing = p_key + np.maximum(1.0 + PHASES_PER_BIT * p_key, ratio)
    return np.asarray(ratio * test.errors + two + PHASES_PER_BIT * np.sqrt(sum_one * sum_three) + swing * azuma)


def finite(
    key: PacketCounts,
    test: PacketCounts,
    p_key: float,
    intensity: float,
    security: Security,
    leaked_bits: ArrayLike,
    tightened: bool,
) -> KeyLength:
    """Length of one block of a fixed number of packets. leaked_bits: disclosed by reconciliation.

    With failure eta of the phase errors' bound and 2^-zeta of the hash, the key is sqrt(2 (eta + 2^-zeta)) from secret.
    """
    failure = security.epsilon_secrecy**2 / 2.0
    each = failure / 12.0
    zeta = -np.log2(failure / 2.0)
    tails = odd_tails(intensity) if tightened else photon_tails(intensity)
    wrong = phase_errors(key, test, p_key, tails, (each, each), tightened)
    half = 0.5 * key.kept
    error = np.divide(np.minimum(wrong, half), key.kept, out=np.full_like(half, 0.5), where=half > 0.0)
    entropy = key.kept * binary_entropy(error)
    correctness = -np.log2(security.epsilon_correctness)
    terms = (
        *_counted(key, test),
        *_sent(tails, tightened),
        term("phase_error", error, "", "phase error rate, at most", f"{MIZUTANI}, Eq. (42), each {each:.2g}"),
        *_spent(entropy, leaked_bits),
        term("secrecy", zeta, "bits", "hash of phase errors: zeta", f"{MIZUTANI}, Eq. (24)"),
        term("correctness", correctness, "bits", "verification", f"{MIZUTANI}, Eq. (24)"),
    )
    length = key.kept - entropy - np.asarray(leaked_bits) - zeta - correctness
    return KeyLength(whole_bits(length), terms, TIGHTENED_PROOF if tightened else PROOF)


def asymptotic(key: PacketCounts, test: PacketCounts, intensity: float, leaked_bits: ArrayLike) -> KeyLength:
    """Length that a block would give if its counts had no spread, tightened. leaked_bits: disclosed."""
    tails = odd_tails(intensity)
    error = endless_phase_error(test.qber, (key.kept + test.kept) / key.packets, tails, tightened=True)
    entropy = key.kept * binary_entropy(error)
    terms = (
        *_counted(key, test),
        *_sent(tails, tightened=True),
        term("phase_error", error, "", "phase error rate, at most", f"{ENDLESS}; {HERE}"),
        *_spent(entropy, leaked_bits),
    )
    return KeyLength(whole_bits(key.kept - entropy - np.asarray(leaked_bits)), terms, ASYMPTOTIC_PROOF)


def _counted(key: PacketCounts, test: PacketCounts) -> tuple[Term, ...]:
    return (
        term("sifted", key.kept, "bits", "packets that make key", "counted or expected"),
        term("sample", test.kept, "bits", "packets that are told", "counted or expected"),
        term("qber", test.qber, "", "error rate among those", "counted or expected"),
    )


def _sent(tails: Floats, tightened: bool) -> tuple[Term, ...]:
    what, source = ("odd pulses", HERE) if tightened else ("photons", f"{MIZUTANI}, Eq. (3)")
    return tuple(
        term(f"q{n}", tails[n - 1], "", f"probability of a packet with at least {n} {what}", source) for n in (1, 2, 3)
    )


def _spent(entropy: Floats, leaked_bits: ArrayLike) -> tuple[Term, ...]:
    return (
        term("entropy", entropy, "bits", "what Eve may know: n h(e)", f"{MIZUTANI}, Eq. (24)"),
        term("leaked", leaked_bits, "bits", "disclosed by reconciliation", "counted or f_ec n h(qber)"),
    )
