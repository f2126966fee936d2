"""Differential phase shift in blocks: what both ends agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError

PACKET_PULSES = 3


@dataclass(frozen=True, slots=True)
class Dps:
    """The protocol as plain data: packets of three pulses of phase 0 or pi, each of which meets its neighbour at Bob's.

    A packet is kept if Bob counts one photon where pulses meet, in two periods; the bit is their difference in phase.
    p_key: probability that a packet that is kept makes key; the others are told, to find the error rate.
    block_pulses: pulses of a block, fixed beforehand, at least those of a packet.
    Raises ParameterError on any other value.
    Source: Mizutani et al., npj Quantum Information 5, 87 (2019).
    """

    p_key: float
    block_pulses: int

    def __post_init__(self) -> None:
        if not 0.0 < self.p_key < 1.0:
            raise ParameterError(f"p_key must lie strictly between 0 and 1, got {self.p_key}")
        require_positive("block_pulses", self.block_pulses)
        if self.block_pulses < PACKET_PULSES:
            raise ParameterError(f"block_pulses must be at least {PACKET_PULSES}, got {self.block_pulses}")

    @property
    def packets(self) -> int:
        """Whole packets of a block."""
        return self.block_pulses // PACKET_PULSES
