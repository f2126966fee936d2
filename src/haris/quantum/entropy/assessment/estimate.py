"""What one estimator says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

Z_ALPHA = 2.5758293035489008
"""The 99.5 % quantile of the normal distribution: bounds hold at 99 %, on two sides."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """min_entropy in bits a symbol (None: the data are too short for it), and the figures on the way to it."""

    min_entropy: float | None
    figures: Mapping[str, float]


def upper_bound(p: float, n: int) -> float:
    """Upper end of the 99 % interval of a proportion p seen in n trials; the standard divides by n - 1."""
    return min(1.0, p + Z_ALPHA * math.sqrt(p * (1.0 - p) / (n - 1)))
