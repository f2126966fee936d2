"""The transmitter: a clocked, phase-randomised, attenuated laser."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive, require_simplex, require_weak
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Source:
    """Weak coherent pulses whose intensity is drawn afresh for every pulse.

    clock_hz: pulses a second.
    intensities: mean photon numbers per pulse, strictly descending; the last may be 0.
    p_intensities: their probabilities, same length, summing to 1.
    Raises ParameterError on any other value.
    """

    clock_hz: float
    intensities: tuple[float, ...]
    p_intensities: tuple[float, ...]

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_simplex("p_intensities", self.p_intensities)
        if len(self.intensities) != len(self.p_intensities):
            raise ParameterError(f"{len(self.intensities)} intensities, but {len(self.p_intensities)} p_intensities")
        require_weak("intensities", self.intensities)
        descending = all(a > b for a, b in zip(self.intensities, self.intensities[1:], strict=False))
        if not descending or not self.intensities or self.intensities[-1] < 0:
            raise ParameterError(f"intensities must descend strictly to a value >= 0, got {self.intensities}")
