"""Sending-or-not-sending: what both ends agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class SendingOrNot:
    """Sending-or-not-sending twin-field QKD with four intensities, by Wang, Yu, Hu, PRA 98, 062323 (2018).

    block_pulses: windows of a block, fixed beforehand. phase_slice_rad: full width of the slice in which the phases
    of two decoys must agree, or be opposite, to count in the test, above 0 and at most pi.
    Raises ParameterError on any other value.
    """

    block_pulses: int
    phase_slice_rad: float = pi / 8.0

    def __post_init__(self) -> None:
        require_positive("block_pulses", self.block_pulses)
        if not 0.0 < self.phase_slice_rad <= pi:
            raise ParameterError(f"phase_slice_rad must lie in (0, pi], got {self.phase_slice_rad}")

    @property
    def p_in_slices(self) -> float:
        """Probability that two random phases agree, or are opposite, within the slice."""
        return self.phase_slice_rad / pi
