"""Key from a violated Bell inequality, whatever the devices are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.bell_counts import BellCounts
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits

ACIN = "Acin et al., PRL 98, 230501 (2007)"

PROOF = Proof(
    f"{ACIN}, Eq. (3)",
    attacks="collective",
    finite=False,
    assumptions=(
        "an endless block",
        "devices that behave in each round alike, and independently of the other rounds",
        "nothing leaves the two sites but what the protocol says",
        "settings that are random to the devices",
        "every heralded round counts, answered or not",
        "an authenticated classical channel",
    ),
)

DEVICE_INDEPENDENT_PROOFS = {"asymptotic": PROOF}
"""By the name of the bound."""


def chsh_fraction(chsh: ArrayLike, qber: ArrayLike) -> NDArray[np.float64]:
    """Secret bits a key round, 1 - h(Q) - h((1 + sqrt(S^2/4 - 1))/2); below 0 where there is no key.

    chsh: value S of the CHSH expression; S <= 2 proves nothing, and above 2 sqrt(2) it is taken for that. qber: of the
    key rounds. Shapes broadcast. Collective attacks, an endless block, one-way reconciliation.
    Source: Acin, Brunner, Gisin, Massar, Pironio, Scarani, PRL 98, 230501 (2007), Eq. (3).
    """
    return np.asarray(1.0 - binary_entropy(qber) - eve_information(chsh))


def eve_information(chsh: ArrayLike) -> NDArray[np.float64]:
    """Bits that Eve may know of each key bit, h((1 + sqrt(S^2/4 - 1))/2): 1 up to S = 2, 0 from 2 sqrt(2) on."""
    s = np.clip(np.asarray(chsh, dtype=np.float64), 2.0, 2.0 * np.sqrt(2.0))
    return binary_entropy((1.0 + np.sqrt(s**2 / 4.0 - 1.0)) / 2.0)


def device_independent(counts: BellCounts, security: Security, leaked_bits: ArrayLike | None = None) -> KeyLength:
    """Length n (1 - h((1 + sqrt(S^2/4 - 1))/2)) - leaked that a block would give if its counts had no spread.

    leaked_bits None: estimated as f_ec n h(qber). Raises ParameterError on any bound but "asymptotic".
    """
    if security.bound not in DEVICE_INDEPENDENT_PROOFS:
        raise ParameterError(f"bound must be one of {', '.join(DEVICE_INDEPENDENT_PROOFS)}, got {security.bound!r}")
    rounds = counts.key_rounds.astype(np.float64)
    entropy = rounds * eve_information(counts.chsh)
    estimated = security.f_ec * rounds * binary_entropy(counts.qber)
    leaked = estimated if leaked_bits is None else np.asarray(leaked_bits, dtype=np.float64)
    terms = (
        term("sifted", rounds, "bits", "key rounds, none left out", "counted or expected"),
        term("qber", counts.qber, "", "error rate among those", "counted or expected"),
        term("chsh", counts.chsh, "", "CHSH value of the test rounds: S", "counted or expected"),
        term("entropy", entropy, "bits", "what Eve may know: n h((1 + sqrt(S^2/4 - 1))/2)", f"{ACIN}, Eq. (3)"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", "counted or f_ec n h(qber)"),
    )
    return KeyLength(whole_bits(rounds - entropy - leaked), terms, PROOF)


def chsh_of_qber(qber: ArrayLike) -> NDArray[np.float64]:
    """S = 2 sqrt(2) (1 - 2Q) of a maximally entangled pair with white noise."""
    return np.asarray(2.0 * np.sqrt(2.0) * (1.0 - 2.0 * np.asarray(qber, dtype=np.float64)))
