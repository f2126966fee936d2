"""Device-independent QKD by the CHSH inequality: what both ends agree on."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive, require_probability
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class DIQKD:
    """Alice has three settings and Bob two: one pair of them makes key, four pairs test.

    p_key_round: probability that a round makes key; the others are spread evenly over the four tests.
    block_pulses: attempts of a block, fixed beforehand.
    Raises ParameterError on a value outside its range.
    Source: Acin et al., PRL 98, 230501 (2007).
    """

    p_key_round: float
    block_pulses: int

    def __post_init__(self) -> None:
        require_probability("p_key_round", self.p_key_round)
        require_positive("block_pulses", self.block_pulses)
        if not 0.0 < self.p_key_round < 1.0:
            raise ParameterError(f"p_key_round must leave rounds for both uses, got {self.p_key_round}")
