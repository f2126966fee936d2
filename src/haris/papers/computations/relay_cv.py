"""Continuous variables at a relay: where key ends if the relay lies at the decoder."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from haris.papers.computation import Computation, Ours
from haris.papers.row import Row
from haris.quantum.security.pirandola2015 import RelayChannel, relay_information

_ENDLESS_SNU = 1e9
"""Modulation beyond which the rate no longer changes in the digits compared."""


def _zero_crossing(row: Row, quantity: str) -> Ours | None:
    """Transmittance from Alice at which the rate of a relay at Bob's is 0, without noise."""
    if quantity != "value":
        return None

    def rate(alice: float) -> float:
        arms = RelayChannel(_ENDLESS_SNU, np.array(alice), np.array(1.0), np.array(0.0))
        informed, eve = relay_information(arms)
        return float(informed - eve)

    return Ours(float(brentq(rate, 0.5, 0.99)), f"root of the rate at a modulation of {_ENDLESS_SNU:g} SNU")


COMPUTATIONS = (Computation(("cvmdi_decoder_side_zero_crossing_tau",), _zero_crossing),)
