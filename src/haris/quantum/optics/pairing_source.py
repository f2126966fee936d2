"""The transmitter of mode pairing: in each window one of two intensities, or nothing, with a random phase."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_not_negative, require_positive, require_simplex, require_weak
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class PairingSource:
    """Two equal lasers that nothing locks to each other, one at each end: phase-randomised weak coherent pulses.

    clock_hz: windows a second that carry quantum pulses. intensities: mu > nu > 0, mean photon numbers of a window.
    p_intensities: of mu, nu and nothing, summing to 1; an end draws afresh for each window.
    frequency_difference_hz: standard deviation of what is not known of the lasers' difference in frequency when the
    phases of two windows are compared. linewidth_hz: sum of the two lasers' Lorentzian linewidths.
    Raises ParameterError on any other value.
    """

    clock_hz: float
    intensities: tuple[float, ...]
    p_intensities: tuple[float, ...]
    frequency_difference_hz: float = 0.0
    linewidth_hz: float = 0.0

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_weak("intensities", self.intensities)
        if len(self.intensities) != 2 or not self.intensities[0] > self.intensities[1] > 0.0:
            raise ParameterError(f"intensities must be mu > nu > 0, got {self.intensities}")
        require_simplex("p_intensities", self.p_intensities)
        if len(self.p_intensities) != 3:
            raise ParameterError(f"p_intensities must be 3 numbers: of mu, nu and nothing, got {self.p_intensities}")
        require_not_negative("frequency_difference_hz", self.frequency_difference_hz)
        require_not_negative("linewidth_hz", self.linewidth_hz)
