"""Recomputes Tamaki, Luetkenhaus, PRA 69, 032316 (2004): how much a lossy channel may depolarise."""

from __future__ import annotations

from scipy.optimize import brentq, minimize_scalar

from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.tamaki2004 import phase_error


def depolarised(overlap: float, loss: float, p: float) -> tuple[float, float, float]:
    """Clicks, conclusive clicks and errors per pulse of a channel that loses, and turns each photon that it keeps.

    p: probability of one of the three Pauli operators, each as likely.
    """
    kept, contrast = 1.0 - loss, 1.0 - 4.0 * p / 3.0
    conclusive = kept * (1.0 - contrast * overlap**2) / 2.0
    return kept, conclusive, (conclusive - kept * contrast * (1.0 - overlap**2) / 2.0) / 2.0


def depolarising_threshold(loss: float) -> float:
    """The largest p at which some overlap gives key, at a loss of at most 0.9. Source: Fig. 2."""

    def spent(overlap: float, p: float) -> float:
        clicks, conclusive, errors = depolarised(overlap, loss, p)
        phase = phase_error(overlap, clicks, conclusive, errors)
        return float(binary_entropy(phase) + binary_entropy(errors / conclusive) - 1.0)

    def least_spent(p: float) -> float:
        bounds = (max(loss, 0.3), 0.999)
        return float(minimize_scalar(spent, bounds=bounds, args=(p,), method="bounded", options={"xatol": 1e-8}).fun)

    return float(brentq(least_spent, 1e-5, 0.1, xtol=1e-9))
