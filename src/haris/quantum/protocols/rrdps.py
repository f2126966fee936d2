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
    After each packet of L pulses L - 1 periods stay dark, so that its delayed light is apart from the next packet's,
    and Bob looks at all 2 L - 1 periods whatever his delay: else what he keeps would depend on it.
    packet_pulses: L, from 3 to MOST_PACKET_PULSES. Bob's delay is 1 to L - 1 periods, each as likely.
    block_pulses: periods of a block, dark ones included, fixed beforehand, at least those of a packet.
    Raises ParameterError on any other value.
    Source: Sasaki, Yamamoto, Koashi, Nature 509, 475 (2014).
    """

    packet_pulses: int
    block_pulses: int

    def __post_init__(self) -> None:
        if not 3 <= self.packet_pulses <= MOST_PACKET_PULSES:
            raise ParameterError(f"packet_pulses must lie in [3, {MOST_PACKET_PULSES}], got {self.packet_pulses}")
        require_positive("block_pulses", self.block_pulses)
        if self.block_pulses < self.packet_periods:
            raise ParameterError(
                f"block_pulses must be at least the {self.packet_periods} periods of a packet, got {self.block_pulses}"
            )

    @property
    def packet_periods(self) -> int:
        """Periods that a packet takes, the dark ones after it included."""
        return 2 * self.packet_pulses - 1

    @property
    def packets(self) -> int:
        """Whole packets of a block."""
        return self.block_pulses // self.packet_periods
