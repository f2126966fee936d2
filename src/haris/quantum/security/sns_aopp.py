"""Key of sending-or-not-sending with actively odd parity pairing, for a block and in the limit of an endless one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log2, sqrt

import numpy as np

from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.sns_counts import PairedSnsCounts, SnsCounts
from haris.quantum.security import odd_parity, sns
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits

XU = "Xu et al., PRA 101, 042330 (2020)"
JIANG = "Jiang et al., arXiv:2102.00739 (2021)"
SPIN = "security.md, pairs by total spin"

PLANNED_SHARE, LEAKAGE_SHARE, RESERVED_BITS = 0.7, 1.1, 512
"""Of a length that is fixed beforehand: what is asked of the expected one; leakage over the expected one, of which so
many bits go to error counts and verification."""

EVENTS = sns.EVENTS + odd_parity.EVENTS

PROOF = Proof(
    theorem=f"SNS with AOPP, length and epsilons of {JIANG}; {SPIN}",
    attacks="coherent",
    finite=True,
    assumptions=(
        "a block of a fixed number of windows and a length fixed beforehand",
        "the phase errors of pairs are bounded by a proof of our own, tested on exact states, not yet reviewed",
        *sns.ASSUMPTIONS,
    ),
)
ASYMPTOTIC = Proof(f"SNS with AOPP, {XU}", "coherent", False, ("an endless block", *sns.ASSUMPTIONS))


def paired(
    counts: SnsCounts,
    security: Security,
    measured: odd_parity.Pairing | None = None,
    leaked_bits: float | None = None,
) -> KeyLength:
    """Length of a block's key with pairing.

    It is r (1 - h(e')) - f n' h(E') - log2(2/e_cor) - 2 log2(1/(sqrt(2) e_PA e_hat)) for r untagged pairs of n' kept.
    Its epsilon is e_cor + 2 e_hat + 4 e_bar + e_PA + e_n1, as in Jiang et al. 2021. There e_bar is the probability that
    the phase error is underestimated; here its square root, the stricter reading: all EVENTS statistical bounds
    together fail with probability e_bar^2 at most, which also is e_n1. The four parts share epsilon_secrecy evenly.
    Small or empty counts give 0. measured: pairs that were counted, where counts.signal holds Bob's 1s and 0s as if one
    end alone had sent (None: as expected); leaked_bits: of their reconciliation (None: f n' h(E')).
    """
    e_bar, e_hat = security.epsilon_testing / 4.0, security.epsilon_testing / 2.0
    e_amplification = security.epsilon_amplification / 2.0
    secrecy = 2.0 * log2(1.0 / (sqrt(2.0) * e_amplification * e_hat))
    correctness = log2(2.0 / security.epsilon_correctness)
    return _length(counts, security, e_bar**2 / EVENTS, (secrecy, correctness), PROOF, measured, leaked_bits)


def planned(expected: SnsCounts, security: Security) -> tuple[int, int]:
    """Length that is fixed before a block for its key, and most that reconciliation may disclose of it.

    expected: counts of the block by the link's model. The length leaves a share of what they promise for chance.
    """
    plan = paired(expected, security)
    most_leaked = int(LEAKAGE_SHARE * float(plan.value("leaked"))) + RESERVED_BITS
    promised = float(paired(expected, security, leaked_bits=most_leaked).length_bits)
    return int(PLANNED_SHARE * promised), most_leaked


def fixed_length(found: PairedSnsCounts, expected: SnsCounts, security: Security, leaked_bits: int) -> KeyLength:
    """The length that was planned, if a measured block bears it, and 0 otherwise: the proof is of a fixed length.

    It bears it when no more leaked than was planned, and the bound on its counts, with all that might have leaked,
    is no less.
    """
    length, most_leaked = planned(expected, security)
    zeros, ones = found.n_pairs, found.n_bits - found.n_pairs
    counts = replace(found.counts, signal=np.array([0, ones, zeros, 0]))
    pairs, kept, wrong = (np.asarray(float(n)) for n in (found.n_pairs, found.n_kept, found.n_wrong))
    key = paired(counts, security, odd_parity.Pairing(pairs, kept, wrong), most_leaked)
    bears = leaked_bits <= most_leaked and int(key.length_bits) >= length
    plan = term("planned", length, "bits", "length that was fixed beforehand", f"{JIANG}; a share of what is expected")
    now = term("leaked_now", leaked_bits, "bits", "that were disclosed; no more than leaked", "counted")
    return KeyLength(np.asarray(length if bears else 0, dtype=np.int64), (*key.terms, plan, now), PROOF)


def paired_asymptotic(counts: SnsCounts, security: Security) -> KeyLength:
    """Length of the key with pairing that a block would give if its counts had no spread."""
    return _length(counts, security, 1.0, (0.0, 0.0), ASYMPTOTIC)


def _length(
    counts: SnsCounts,
    security: Security,
    epsilon: float,
    costs: tuple[float, float],
    proof: Proof,
    measured: odd_parity.Pairing | None = None,
    leaked_bits: float | None = None,
) -> KeyLength:
    found = sns.untagged(counts, epsilon)
    pairing = odd_parity.pair_bits(counts.signal) if measured is None else measured
    pairs = odd_parity.untagged_pairs(counts.signal, found.zeros, found.ones, epsilon)
    errors = odd_parity.pair_phase_errors(pairs, found.zeros, found.ones, found.phase_errors, epsilon)
    phase = np.divide(errors, pairs, out=np.full_like(pairs, 0.5), where=pairs > 0.0)
    wrong = np.divide(pairing.wrong, pairing.kept, out=np.zeros_like(pairs), where=pairing.kept > 0.0)
    entropy = pairs * binary_entropy(phase)
    estimated = security.f_ec * pairing.kept * binary_entropy(wrong)
    leaked = estimated if leaked_bits is None else np.asarray(leaked_bits, dtype=np.float64)
    terms = (
        term("zeros", found.zeros, "bits", "untagged bits 0 before pairing, at least", sns.JIANG_2019),
        term("ones", found.ones, "bits", "untagged bits 1 before pairing, at least", sns.JIANG_2019),
        term("phase_errors", found.phase_errors, "bits", "phase errors among those, at most", sns.JIANG_2019),
        term("pairs", pairing.kept, "pairs", "whose parity is odd at both ends", f"{XU}, n_t'"),
        term("pair_qber", wrong, "", "bit error rate of those", f"{XU}, E'"),
        term("untagged", pairs, "pairs", "of two untagged bits, at least", f"{JIANG}, n_1'"),
        term("phase_error", phase, "", "phase error rate of untagged pairs, at most", SPIN),
        term("entropy", entropy, "bits", "what Eve may know of untagged pairs", f"{JIANG}, n_1' h(e_1')"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", f"{JIANG}, f n_t' h(E')"),
        term("secrecy", costs[0], "bits", "cost of epsilon_secrecy", f"{JIANG}, 2 log2(1/(sqrt(2) e_PA e_hat))"),
        term("correctness", costs[1], "bits", "cost of epsilon_correctness", f"{JIANG}, log2(2/e_cor)"),
    )
    return KeyLength(whole_bits(pairs - entropy - leaked - sum(costs)), terms, proof)


_BOUNDS: dict[str, Callable[[SnsCounts, Security], KeyLength]] = {
    "aopp": paired,
    "aopp-asymptotic": paired_asymptotic,
    "sns-asymptotic": sns.unpaired,
}

PROOFS = {"aopp": PROOF, "aopp-asymptotic": ASYMPTOTIC, "sns-asymptotic": sns.PROOF}
"""By the name of the bound, the finite one first."""


def key_length(counts: SnsCounts, security: Security) -> KeyLength:
    """Length of a block's key by security.bound. Raises ParameterError on a bound of another protocol."""
    if security.bound not in _BOUNDS:
        raise ParameterError(f"bound must be one of {', '.join(_BOUNDS)}, got {security.bound!r}")
    return _BOUNDS[security.bound](counts, security)
