"""One end's values of a block of quadratures that met at a relay, with what the relay announced."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class RelayedSymbols:
    """Values in shot-noise units, symbol by symbol.

    values: float32, shape (n, 2), the means that this end gave to both quadratures of its light. announced: float32,
    shape (n, 2), the relay's outcomes, the same at both ends: of the difference of the first quadratures (Bob's less
    Alice's) and of the sum of the second, the vacuum's variance being 1.
    Raises ParameterError on other types or shapes.
    """

    values: NDArray[np.float32] = field(repr=False)
    announced: NDArray[np.float32]

    def __post_init__(self) -> None:
        for array in (self.values, self.announced):
            if array.dtype != np.float32 or array.shape != (len(self.values), 2):
                raise ParameterError(f"values and announced must be float32 of shape (n, 2), got {array.shape}")
