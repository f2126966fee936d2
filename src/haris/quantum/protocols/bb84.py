"""Decoy-state BB84: what both ends agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from haris.nouns.checks import require_positive, require_probability, require_simplex
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class DecoyBB84:
    """The protocol as plain data: efficient BB84 with one or two decoy intensities.

    p_key_basis: probability of the key basis at each end (Alice and Bob alike).
    block_pulses: pulses of a block, fixed beforehand: a live block never stops at a wanted count.
    qber_abort: test- or key-basis error rate above which a block is given up before reconciliation.
    reconciliation: "cascade" asks parity by parity; "one-way" sends a syndrome, for channels whose round trips cost
    and blocks of 1e5 bits and more.
    """

    p_key_basis: float
    block_pulses: int
    qber_abort: float = 0.11
    reconciliation: Literal["cascade", "one-way"] = "cascade"

    def __post_init__(self) -> None:
        require_probability("p_key_basis", self.p_key_basis)
        require_probability("qber_abort", self.qber_abort, at_most=0.5)
        require_positive("block_pulses", self.block_pulses)
        if not 0.0 < self.p_key_basis < 1.0:
            raise ParameterError(f"p_key_basis must leave both bases some pulses, got {self.p_key_basis}")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Everything that sifting and estimation need to know of a link, and nothing of its physics.

    clock_hz: pulse rate. intensities, p_intensities: as in Source. dead_time_s: Bob drops every click that
    comes within dead_time_s of an earlier one.
    gate_s: clicks farther than gate_s / 2 from a pulse's centre are dropped (None: half a period).
    """

    protocol: DecoyBB84
    clock_hz: float
    intensities: tuple[float, ...]
    p_intensities: tuple[float, ...]
    dead_time_s: float = 0.0
    gate_s: float | None = None

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_simplex("p_intensities", self.p_intensities)
        if len(self.intensities) != len(self.p_intensities):
            raise ParameterError(f"{len(self.intensities)} intensities, {len(self.p_intensities)} probabilities")

    @property
    def block_pulses(self) -> int:
        """Pulses of a block, as both ends record them."""
        return self.protocol.block_pulses
