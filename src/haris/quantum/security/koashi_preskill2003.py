"""The asymptotic rate of a source that does not tell the basis: Koashi, Preskill, PRL 90, 057902 (2003)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.keys import Proof
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits

KOASHI = "Koashi, Preskill, PRL 90, 057902 (2003)"
MA = "Ma, Fung, Lo, PRA 76, 012307 (2007)"

ASSUMPTIONS = (
    "the source may be Eve's: nothing of it is trusted",
    "each end draws its basis independently for each window",
    "at each end, detection efficiency and dark counts that do not depend on the basis",
    "several photons are squashed to one: a double click becomes a random bit",
    "an authenticated classical channel",
)

PROOF = Proof(
    f"{KOASHI}, as in {MA}, Eq. (5)",
    attacks="coherent",
    finite=False,
    assumptions=("an endless block", *ASSUMPTIONS),
)


def asymptotic(counts: CoincidenceCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Length n (1 - h(e_test)) - leaked that a block would give if its counts had no spread.

    counts: shape (..., 2). The bit error rate of the test basis is the phase error rate of the key basis;
    1/2 where there was none to test.
    """
    sifted = counts.coincidences[..., KEY_BASIS].astype(np.float64)
    phase = np.where(counts.coincidences[..., TEST_BASIS] > 0, np.minimum(counts.qber[..., TEST_BASIS], 0.5), 0.5)
    entropy = sifted * binary_entropy(phase)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    terms = (
        term("sifted", sifted, "bits", "coincidences of the key basis", "counted or expected"),
        term("qber", counts.qber[..., KEY_BASIS], "", "error rate among those", "counted or expected"),
        term("phase_error", phase, "", "error rate of the test basis", KOASHI),
        term("entropy", entropy, "bits", "what Eve may know: n h(e)", f"{MA}, Eq. (5)"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", f"{MA}, Eq. (5)"),
    )
    return KeyLength(whole_bits(sifted - entropy - leaked), terms, PROOF)
