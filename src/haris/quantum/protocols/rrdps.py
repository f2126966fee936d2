"""Round-robin differential phase shift: what both ends agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError

MOST_PACKET_PULSES = 256


@dataclass(frozen=True, slots=True)
class Rrdps:
    """The protocol as plain data: packets of pulses of phase 0 or pi, and a delay that Bob draws for each packet.

    A packet is kept if Bob counts one photon in it, where two of its pulses met; the bit is their difference in phase.
    packet_pulses: L, from 3 to MOST_PACKET_PULSES. Bob's delay is 1 to L - 1 periods, each as likely.
    block_pulses: pulses of a block, fixed beforehand, at least those of a packet.
    Raises ParameterError on any other value.
    Source: Sasaki, Yamamoto, Koashi, Nature 509, 475 (2014).
    """

    packet_pulses: int
    block_pulses: int

    def __post_init__(self) -> None:
        if not 3 <= self.packet_pulses <= MOST_PACKET_PULSES:
            raise ParameterError(f"packet_pulses must lie in [3, {MOST_PACKET_PULSES}], got {self.packet_pulses}")
        require_positive("block_pulses", self.block_pulses)
        if self.block_pulses < self.packet_pulses:
            raise ParameterError(f"block_pulses must be at least packet_pulses, got {self.block_pulses}")

    @property
    def packets(self) -> int:
        """Whole packets of a block."""
        return self.block_pulses // self.packet_pulses
