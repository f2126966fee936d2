"""Key from a violated Bell inequality, whatever the devices are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.quantum.security.entropy import binary_entropy


def chsh_fraction(chsh: ArrayLike, qber: ArrayLike) -> NDArray[np.float64]:
    """Secret bits a key round, 1 - h(Q) - h((1 + sqrt(S^2/4 - 1))/2); below 0 where there is no key.

    chsh: value S of the CHSH expression; S <= 2 proves nothing, and above 2 sqrt(2) it is taken for that. qber: of the
    key rounds. Shapes broadcast. Collective attacks, an endless block, one-way reconciliation.
    Source: Acin, Brunner, Gisin, Massar, Pironio, Scarani, PRL 98, 230501 (2007), Eq. (3).
    """
    s = np.clip(np.asarray(chsh, dtype=np.float64), 2.0, 2.0 * np.sqrt(2.0))
    eve = binary_entropy((1.0 + np.sqrt(s**2 / 4.0 - 1.0)) / 2.0)
    return np.asarray(1.0 - binary_entropy(qber) - eve)


def chsh_of_qber(qber: ArrayLike) -> NDArray[np.float64]:
    """S = 2 sqrt(2) (1 - 2Q) of a maximally entangled pair with white noise."""
    return np.asarray(2.0 * np.sqrt(2.0) * (1.0 - 2.0 * np.asarray(qber, dtype=np.float64)))
