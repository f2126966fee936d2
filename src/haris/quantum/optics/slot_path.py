"""A channel that changes while light passes, slot by slot, as a medium of a link."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SlotPath:
    """What passes in each slot; where a link of one transmittance has a scalar, this one has an axis of slots, (t,).

    to_bob: transmittance from the source to Bob, (t,). to_alice: of pairs, from the source to Alice, (t,); None: the
    source stands at her end. misalignment: probability that a photon leaves by the wrong port of a matched basis.
    """

    to_bob: Floats
    misalignment: float
    to_alice: Floats | None = None

    @property
    def length_m(self) -> float:
        """None that would matter."""
        return 0.0

    def transmittance(self, distance_m: ArrayLike | None = None) -> Floats:
        """From end to end in each slot, (t,), whatever the distance."""
        alice, bob = self.arms
        return alice * bob

    @property
    def arms(self) -> tuple[Floats, Floats]:
        """From a source of pairs to Alice and to Bob, (t,) each."""
        return np.ones_like(self.to_bob) if self.to_alice is None else self.to_alice, self.to_bob
