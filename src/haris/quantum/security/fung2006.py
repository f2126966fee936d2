"""The asymptotic rate of SARG04 from pulses of one and two photons: Fung, Tamaki, Lo, PRA 73, 012337 (2006)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.keys import Proof
from haris.nouns.photon_counts import PhotonCounts
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, term, whole_bits

FUNG = "Fung, Tamaki, Lo, PRA 73, 012337 (2006)"
TAMAKI = "Tamaki, Lo, PRA 73, 010302 (2006)"

PROOF = Proof(
    theorem=f"{TAMAKI}; {FUNG}, Eq. (39)",
    attacks="coherent",
    finite=False,
    assumptions=(
        "an endless block, and endlessly many decoys: yields and errors of one and two photons known exactly",
        "phase-randomised pulses in BB84's four states, each as likely",
        "detection efficiency and dark counts that do not depend on the basis",
        "several photons at Bob's are squashed to one: a double click becomes a random bit",
        "an authenticated classical channel",
    ),
)


def single_photon_eve(error: ArrayLike) -> NDArray[np.float64]:
    """What Eve may know of the bit of a pulse of one photon, H(Z|X) in bits; shape of error.

    After Bob's filter phases err 3/2 as often as bits, and at least half of the bit errors have a phase error too. Most
    is told by just half: e + (1 - e) h(e / (1 - e)) up to e = 1/3, where it is 1, as it is beyond.
    Source: Tamaki, Lo; Fung, Tamaki, Lo, section II.
    """
    e = np.clip(np.asarray(error, dtype=np.float64), 0.0, 1.0 / 3.0)
    return np.asarray(e + (1.0 - e) * binary_entropy(e / (1.0 - e)))


def two_photon_phase_error(error: ArrayLike) -> NDArray[np.float64]:
    """Phase error rate of pulses of two photons, at most, for their bit error rate; at most 1/2; shape of error.

    The least over x of x e + (3 - 2x + sqrt(6 - 6 sqrt(2) x + 4x^2)) / 6, which is sin^2(pi/8) without errors and 1/2
    from e = 1/6.
    Source: Tamaki, Lo; Fung, Tamaki, Lo, Eq. (10), minimised in closed form.
    """
    w = 1.0 / 3.0 - np.clip(np.asarray(error, dtype=np.float64), 0.0, 1.0 / 6.0)
    return np.asarray(np.minimum(0.5 + np.sqrt(1.5 * (1.0 - 9.0 * w**2)) / 6.0 - 0.75 * np.sqrt(2.0) * w, 0.5))


def asymptotic(counts: PhotonCounts, leaked_bits: ArrayLike) -> KeyLength:
    """Length that a block would give if its counts had no spread and its decoys no end.

    counts: with one and two photons told apart. leaked_bits: disclosed by reconciliation.
    """
    single, double = counts.of_photons[..., 0], counts.of_photons[..., 1]
    e1, e2 = counts.photon_qber[..., 0], counts.photon_qber[..., 1]
    phase2 = two_photon_phase_error(e2)
    entropy = single * single_photon_eve(e1) + double * binary_entropy(phase2)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    terms = (
        term("sifted", counts.sifted, "bits", "conclusive clicks of signals", "expected"),
        term("qber", counts.qber, "", "error rate among those", "expected"),
        term("single", single, "bits", "those of one photon", f"{FUNG}, Q_1"),
        term("single_error", e1, "", "error rate of those", f"{FUNG}, e_1"),
        term("double", double, "bits", "those of two photons", f"{FUNG}, Q_2"),
        term("double_error", e2, "", "error rate of those", f"{FUNG}, e_2"),
        term("double_phase", phase2, "", "phase error rate of those, at most", f"{FUNG}, Eq. (10)"),
        term("entropy", entropy, "bits", "what Eve may know of both", f"{FUNG}, Eq. (39)"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", f"{FUNG}, Eq. (39)"),
    )
    return KeyLength(whole_bits(single + double - entropy - leaked), terms, PROOF)
