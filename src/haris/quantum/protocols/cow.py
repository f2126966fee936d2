"""Coherent one way with pairs of pulses: what both ends agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Cow:
    """The protocol as plain data: pairs of pulses; the bit is which of the two is sent, and both or none test Eve.

    Bob finds the bit by when light comes. The rest of it interferes within the pair, never between pairs.
    p_data: probability of a pair with one pulse, as likely the early as the late one. p_both: of one with two. All
    others are empty. Each is above 0, and their sum below 1.
    block_pulses: pulses of a block, fixed beforehand, at least 2.
    Raises ParameterError on any other value.
    Source: Gao et al., Opt. Express 30, 23783 (2022), which adds the empty pair to coherent one way.
    """

    p_data: float
    p_both: float
    block_pulses: int

    def __post_init__(self) -> None:
        for name in ("p_data", "p_both"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ParameterError(f"{name} must lie strictly between 0 and 1, got {getattr(self, name)}")
        if not self.p_data + self.p_both < 1.0:
            raise ParameterError(f"p_both must leave empty pairs, got {self.p_both} beside p_data {self.p_data}")
        require_positive("block_pulses", self.block_pulses)
        if self.block_pulses < 2:
            raise ParameterError(f"block_pulses must be at least 2, got {self.block_pulses}")

    @property
    def pairs(self) -> int:
        """Of a block."""
        return self.block_pulses // 2

    @property
    def p_kinds(self) -> tuple[float, float, float, float]:
        """Probabilities of a pair with the early pulse, with the late one, with both, and with none."""
        return self.p_data / 2.0, self.p_data / 2.0, self.p_both, 1.0 - self.p_data - self.p_both
