"""A receiver that finds when most of the light comes, and lets the rest of it interfere."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class TappedReceiver:
    """A coupler, a detector that tells the period, and an interferometer of one period's delay with two detectors.

    efficiency: probability that a photon at a detector starts an avalanche, alike for the three. p_dark: dark counts
    per period of each. data_share: of the light that the coupler sends to the first detector, above 0 and below 1.
    visibility: of the interference: a photon leaves by the wrong port with probability (1 - visibility) / 2.
    Raises ParameterError on a value outside its range.
    """

    efficiency: float
    p_dark: float
    data_share: float = 0.9
    visibility: float = 1.0

    def __post_init__(self) -> None:
        require_probability("efficiency", self.efficiency)
        require_probability("p_dark", self.p_dark)
        require_probability("visibility", self.visibility)
        if not 0.0 < self.data_share < 1.0:
            raise ParameterError(f"data_share must lie strictly between 0 and 1, got {self.data_share}")
