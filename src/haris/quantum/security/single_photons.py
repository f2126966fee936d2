"""Single photons without end: the error rate at which one-way key dies."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.fung2006 import single_photon_eve
from haris.quantum.security.lo2001 import six_state_eve


def bb84_fraction(qber: ArrayLike) -> NDArray[np.float64]:
    """Secret bits a sifted bit of BB84, 1 - 2 h(Q), negative above its threshold; shape of qber.

    Equal error rates in both bases, ideal reconciliation, an endless block.
    Source: Shor, Preskill, PRL 85, 441 (2000).
    """
    return np.asarray(1.0 - 2.0 * binary_entropy(qber))


def six_state_fraction(qber: ArrayLike) -> NDArray[np.float64]:
    """Secret bits a sifted bit of the six-state protocol, negative above its threshold; shape of qber.

    1 - H(1 - 3Q/2, Q/2, Q/2, Q/2): equal error rates in three bases leave Eve the depolarising channel. 0 <= Q <= 2/3.
    Source: Lo, Quantum Inf. Comput. 1, 81 (2001).
    """
    return np.asarray(1.0 - binary_entropy(qber) - six_state_eve(qber, qber))


def sarg04_fraction(qber: ArrayLike) -> NDArray[np.float64]:
    """Secret bits a sifted bit of SARG04 from single photons, negative above its threshold; shape of qber.

    1 - H(1 - 2Q, Q/2, Q/2, Q): after Bob's filter the phases err 3/2 times as often as the bits, and Eve's best choice
    leaves half of the bit errors with a phase error. 0 <= Q <= 1/2.
    Source: Fung, Tamaki, Lo, PRA 73, 012337 (2006), who print the threshold; the weights are derived in the test.
    """
    return np.asarray(1.0 - binary_entropy(qber) - single_photon_eve(qber))
