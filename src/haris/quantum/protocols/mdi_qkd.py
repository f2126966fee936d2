"""Measurement-device-independent QKD: what both senders agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive, require_probability
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class MdiQkd:
    """The protocol as plain data: BB84 states from both ends, phase-randomised, each basis and intensity drawn afresh.

    The key comes from pairs of signal pulses in the key basis (Z, rectilinear); the test basis is X (diagonal).
    p_key_basis: probability of the key basis at each end. block_pulses: pulse pairs of a block, fixed beforehand.
    Raises ParameterError on any other value.
    Source: Lo, Curty, Qi, PRL 108, 130503 (2012).
    """

    p_key_basis: float
    block_pulses: int

    def __post_init__(self) -> None:
        require_probability("p_key_basis", self.p_key_basis)
        require_positive("block_pulses", self.block_pulses)
        if not 0.0 < self.p_key_basis < 1.0:
            raise ParameterError(f"p_key_basis must leave both bases some pulses, got {self.p_key_basis}")
