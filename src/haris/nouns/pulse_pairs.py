"""Pairs of pulses, either, both or none of which is sent: one end's half of a block, and what both ends count."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.photon_counts import error_rate

Floats = NDArray[np.float64]

EARLY, LATE, BOTH, EMPTY = range(4)
"""What Alice sends in a pair."""
EARLY_CLICK, LATE_CLICK, BRIGHT_CLICK, DARK_CLICK = 1, 2, 4, 8
"""What clicks at Bob's, to be added: his first detector early and late; the interferometer's two, where both meet."""


@dataclass(frozen=True, slots=True)
class PulsePairs:
    """What one end holds of one block: a symbol for each pair with a click.

    n_pairs: sent. pair: int64, ascending, which of them clicked. symbol: uint8, of Alice what she sent, of Bob the sum
    of what clicked. One dimension, one length. Raises ParameterError on arrays of other shapes.
    """

    n_pairs: int
    pair: NDArray[np.int64]
    symbol: NDArray[np.uint8] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.pair.shape == self.symbol.shape == (self.pair.size,):
            raise ParameterError("pair and symbol must have one dimension and one length")


@dataclass(frozen=True, slots=True)
class PulsePairCounts:
    """What both ends count in one block: float64, shape of a sweep.

    sent: pairs with one pulse, both and none, shape (3,). kept: pairs with one pulse that clicked at Bob's first
    detector; errors: those whose bit is wrong, a double click by half. monitored: pairs that clicked at the
    interferometer's detectors, shape (..., 3, 2): by what was sent, at the bright one and at the dark one.
    Raises ParameterError on shapes that differ, or an order that cannot be.
    """

    sent: Floats
    kept: Floats
    errors: Floats
    monitored: Floats

    def __post_init__(self) -> None:
        if self.sent.shape != (3,) or self.monitored.shape != (*self.kept.shape, 3, 2):
            raise ParameterError("monitored must have the shape of kept, and 3 by 2 besides")
        if self.kept.shape != self.errors.shape or np.any(self.errors < 0.0) or np.any(self.errors > self.kept):
            raise ParameterError("errors must lie among the pairs kept")
        if np.any(self.kept > self.sent[0]) or np.any(self.monitored > self.sent[:, None]):
            raise ParameterError("there cannot be more clicks than pairs")

    @property
    def qber(self) -> Floats:
        """Error rate of the pairs kept; 0 where there are none."""
        return error_rate(self.errors, self.kept, 0.0)
