"""What no protocol over a lossy channel can pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def plob(transmittance: ArrayLike) -> NDArray[np.float64]:
    """Secret-key capacity of a pure-loss channel, bits a use: -log2(1 - transmittance); infinite at 1.

    transmittance: in [0, 1], any shape; detectors do not count, for they could be better.
    Source: Pirandola, Laurenza, Ottaviani, Banchi, Nat. Commun. 8, 15043 (2017), Eq. (19).
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log1p(-np.asarray(transmittance, dtype=np.float64)) / np.log(2.0))


def single_repeater(transmittance: ArrayLike) -> NDArray[np.float64]:
    """What one ideal repeater in the middle could give, bits a use: -log2(1 - sqrt(transmittance)).

    transmittance: of the whole channel, in [0, 1]. No twin-field protocol passes it.
    Source: Pirandola, Commun. Phys. 2, 51 (2019), Eq. (9), for two equal halves.
    """
    return plob(np.sqrt(np.asarray(transmittance, dtype=np.float64)))
