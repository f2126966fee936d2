"""Finite keys by the uncertainty relation: Tomamichel, Lim, Gisin, Renner, Nat. Commun. 3, 634 (2012)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.keys import Proof
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits
from haris.quantum.security.koashi_preskill2003 import ASSUMPTIONS
from haris.quantum.security.tails import serfling

TOMAMICHEL = "Tomamichel et al., Nat. Commun. 3, 634 (2012)"

PROOF = Proof(
    f"{TOMAMICHEL}, Eq. (2), with overlap q = 1",
    attacks="coherent",
    finite=True,
    assumptions=(
        "sifted sizes n and k fixed beforehand, and an error rate above which the block is lost",
        *ASSUMPTIONS,
    ),
)


def tomamichel2012(counts: CoincidenceCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Length of a block as printed: n (1 - h(Q + mu)) - leaked - log2(2 / (eps_sec^2 eps_cor)).

    counts: shape (..., 2); n and k are those of the key and the test basis, and the observed error rate of the test
    basis is taken for the tolerated one, Q. mu: Serfling's tail at (eps_sec / 2)^2, which is the printed
    sqrt((n + k) (k + 1) / (n k^2) ln(2 / eps_sec)).
    Written for prepared photons; the proof speaks of the state that both hold, so pairs from any source are covered.
    """
    n = np.floor(counts.coincidences[..., KEY_BASIS].astype(np.float64))
    k = np.floor(counts.coincidences[..., TEST_BASIS].astype(np.float64))
    some = (n > 0) & (k > 0)
    spread = np.where(
        some, serfling(np.maximum(k, 1.0), np.maximum(n, 1.0), (security.epsilon_secrecy / 2.0) ** 2), 0.5
    )
    phase = np.minimum(counts.qber[..., TEST_BASIS] + spread, 0.5)
    entropy = n * binary_entropy(phase)
    fixed = 1.0 - 2.0 * np.log2(security.epsilon_secrecy) - np.log2(security.epsilon_correctness)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    terms = (
        term("sifted", n, "bits", "coincidences of the key basis: n", "counted or expected"),
        term("qber", counts.qber[..., KEY_BASIS], "", "error rate among those", "counted or expected"),
        term("sample", k, "bits", "coincidences of the test basis: k", "counted or expected"),
        term("tolerated", counts.qber[..., TEST_BASIS], "", "error rate among those: Q", "counted or expected"),
        term("spread", spread, "", "what the key basis may err more: mu", f"{TOMAMICHEL}, Eq. (2)"),
        term(
            "phase_error",
            phase,
            "",
            "error rate of the key basis, had it been tested: Q + mu",
            f"{TOMAMICHEL}, Eq. (2)",
        ),
        term("entropy", entropy, "bits", "what Eve may know: n h(Q + mu)", f"{TOMAMICHEL}, Eq. (2)"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", "counted or f_ec n h(qber)"),
        term("fixed", fixed, "bits", "secrecy and verification: log2(2/(eps_sec^2 eps_cor))", f"{TOMAMICHEL}, Eq. (2)"),
    )
    return KeyLength(whole_bits(n - entropy - leaked - fixed), terms, PROOF)
