"""The asymptotic rate of B92 with single photons: Tamaki, Luetkenhaus, PRA 69, 032316 (2004)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.conclusive_counts import ConclusiveCounts
from haris.nouns.keys import Proof
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, term, whole_bits

TAMAKI = "Tamaki, Luetkenhaus, PRA 69, 032316 (2004)"

PROOF = Proof(
    theorem=f"{TAMAKI}, section III; without loss Tamaki, Koashi, Imoto, PRL 90, 167904 (2003)",
    attacks="coherent",
    finite=False,
    assumptions=(
        "an endless block",
        "never more than one photon in a pulse",
        "never more than one photon at Bob's detectors: a double click becomes a random outcome, but no proof squashes "
        "more photons to one in bases at this angle",
        "detection efficiency and dark counts that do not depend on the state that Bob looks for",
        "an authenticated classical channel",
    ),
)

BISECTIONS = 60
"""Of the one number that is searched: more would be below the digits of a float."""

SLACK = 1e-9
"""Relative rounding of rates; those that no state has by more give no key."""


def phase_error(overlap: float, clicks: ArrayLike, conclusive: ArrayLike, errors: ArrayLike) -> NDArray[np.float64]:
    """Phase error rate of conclusive bits, at most, and at most 1/2; broadcast shape.

    overlap: of the two states, in (0, 1). clicks, conclusive, errors: per pulse sent.

    Alice's states are sqrt(b)|0> +- sqrt(a)|1>, a = (1 - overlap) / 2 and b = 1 - a. Let P_jk be how often her virtual
    qubit and Bob's photon are found in |j> and |k>, with the sums A_j and B_k. Clicks B_0 + B_1 and conclusive bits
    a B_0 + b B_1 tell B_0 and B_1. Alice's qubit is in |0> with probability b whatever Eve does, so that what was lost
    leaves b - lost <= A_0 <= b. Errors tell a coherence: sqrt(P_00 P_11) + sqrt(P_01 P_10) must be no less than
    (conclusive / 2 - errors) / sqrt(ab). Phase errors are a P_10 + b P_01; what may be is a convex set, so they are
    most on an edge of A_0, or where all phases err.
    Source: Tamaki, Luetkenhaus, section III, with its inequalities solved together.
    """
    total, kept, wrong = (np.asarray(x, dtype=np.float64) for x in (clicks, conclusive, errors))
    a, b = (1.0 - overlap) / 2.0, (1.0 + overlap) / 2.0
    b1 = np.clip((kept - a * total) / overlap, 0.0, total)
    b0 = total - b1
    coherence = (kept / 2.0 - wrong) / np.sqrt(a * b)
    # P_01 - P_10, which is A_0 - B_0, as near as may be to that of P_10 = B_0 and P_01 = B_1, where all phases err.
    excess = np.clip(b1 - b0, b - (1.0 - total) - b0, b - b0)
    # The coherence falls with P_10 from where the two are independent.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        independent = np.where(excess * (b1 - b0) > 0.0, excess * b0 / (b1 - b0), 0.0)
    least = np.maximum(np.maximum(0.0, -excess), independent)
    most = np.maximum(np.minimum(b0, b1 - excess), 0.0)
    low, high = np.minimum(least, most), most
    possible = _coherence(b0, b1, excess, low) >= coherence - SLACK * total
    possible &= (kept >= (a - SLACK) * total) & (kept <= (b + SLACK) * total)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        enough = _coherence(b0, b1, excess, middle) >= coherence
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    wrong_phases = np.maximum(high + b * excess, 0.0)
    fewer = np.asarray(possible & (wrong_phases < kept / 2.0))
    return np.asarray(np.divide(wrong_phases, kept, out=np.full(fewer.shape, 0.5), where=fewer))


def asymptotic(counts: ConclusiveCounts, overlap: float, leaked_bits: ArrayLike) -> KeyLength:
    """Length that a block would give if its counts had no spread. leaked_bits: disclosed by reconciliation."""
    per_pulse = (x / counts.n_pulses for x in (counts.clicks, counts.conclusive, counts.errors))
    phase = phase_error(overlap, *per_pulse)
    entropy = counts.conclusive * binary_entropy(phase)
    leaked = np.asarray(leaked_bits, dtype=np.float64)
    terms = (
        term("loss", 1.0 - counts.clicks / counts.n_pulses, "", "share of the pulses that gave no click", "expected"),
        term("sifted", counts.conclusive, "bits", "conclusive clicks", "expected"),
        term("qber", counts.qber, "", "error rate among those", "expected"),
        term("phase_error", phase, "", "phase error rate of those, at most", f"{TAMAKI}, section III"),
        term("entropy", entropy, "bits", "what Eve may know: n h(e)", TAMAKI),
        term("leaked", leaked, "bits", "disclosed by reconciliation", TAMAKI),
    )
    return KeyLength(whole_bits(counts.conclusive - entropy - leaked), terms, PROOF)


def _coherence(
    b0: NDArray[np.float64], b1: NDArray[np.float64], excess: NDArray[np.float64], p10: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Most of the coherence at P_10."""
    kept = np.maximum(b0 - p10, 0.0) * np.maximum(b1 - excess - p10, 0.0)
    return np.asarray(np.sqrt(kept) + np.sqrt(p10 * np.maximum(p10 + excess, 0.0)))
