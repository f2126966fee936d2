"""The two arms of a fibre with a station on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.quantum.optics.fibre import Fibre


def arms(
    fibre: Fibre, share: float, distance_m: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power transmittance from Alice and from Bob to a station, shape of distance_m.

    share: of the fibre's length that lies between Alice and the station. distance_m: from Alice to Bob (by default the
    fibre's own length). Half of the fibre's fixed loss lies on each arm, so that both together transmit what the fibre
    does.
    """
    length_m = np.asarray(fibre.length_m if distance_m is None else distance_m, dtype=np.float64)
    arm = replace(fibre, fixed_loss_db=fibre.fixed_loss_db / 2.0)
    return arm.transmittance(share * length_m), arm.transmittance((1.0 - share) * length_m)
