"""A source of photon pairs entangled in polarisation or time: parametric down-conversion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_positive, require_probability
from haris.nouns.errors import ParameterError

MOST_PAIRS = 1e6
"""No window holds more; beyond it the arithmetic of nearly certain clicks loses its digits."""


@dataclass(frozen=True, slots=True)
class PairSource:
    """Two equal two-mode squeezers, one for each bit value, between Alice and Bob.

    clock_hz: pump pulses a second; of a continuous pump, coincidence windows a second.
    mean_pairs: pairs per window, of both bit values together: twice the lambda of Ma, Fung, Lo.
    visibility: of the correlations in the key basis, before accidental coincidences; a window errs by (1 - V) / 2.
    test_visibility: the same in the test basis (None: as in the key basis).
    modes: equal temporal modes that share a window's pairs: 1 of a pulse as short as the photons' coherence, inf (pairs
    come independently, as Poisson) of a window much longer.
    position: share of the fibre, and of its fixed loss, that lies between Alice and the source: 0 at her site, 0.5 in
    the middle.
    Raises ParameterError on a value outside its range.
    """

    clock_hz: float
    mean_pairs: float
    visibility: float = 1.0
    test_visibility: float | None = None
    modes: float = 1.0
    position: float = 0.5

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        if not 0.0 <= self.mean_pairs <= MOST_PAIRS:
            raise ParameterError(f"mean_pairs must lie in [0, {MOST_PAIRS:g}], got {self.mean_pairs}")
        require_probability("visibility", self.visibility)
        if self.test_visibility is not None:
            require_probability("test_visibility", self.test_visibility)
        if not self.modes >= 1.0:
            raise ParameterError(f"modes must be at least 1, got {self.modes}")
        require_probability("position", self.position)

    @property
    def visibilities(self) -> NDArray[np.float64]:
        """Of the key basis and the test basis, shape (2,)."""
        test = self.visibility if self.test_visibility is None else self.test_visibility
        return np.array([self.visibility, test])
