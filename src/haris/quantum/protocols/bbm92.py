"""BBM92: what both ends agree on before the first pair."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive, require_probability
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class BBM92:
    """BB84's two bases on the halves of entangled pairs.

    p_key_basis: probability of the key basis, drawn for each window at each end.
    block_pulses: windows of a block, fixed beforehand.
    Raises ParameterError on a value outside its range.
    Source: Bennett, Brassard, Mermin, PRL 68, 557 (1992).
    """

    p_key_basis: float
    block_pulses: int

    def __post_init__(self) -> None:
        require_probability("p_key_basis", self.p_key_basis)
        require_positive("block_pulses", self.block_pulses)
        if not 0.0 < self.p_key_basis < 1.0:
            raise ParameterError(f"p_key_basis must leave both bases some windows, got {self.p_key_basis}")
