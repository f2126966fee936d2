"""A laser whose pulses are all alike but for their phase."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive, require_weak


@dataclass(frozen=True, slots=True)
class PulseTrain:
    """Weak coherent pulses of one intensity, each of phase 0 or pi against the one before.

    clock_hz: pulses a second. intensity: mean photon number of a pulse as it leaves Alice, above 0.
    Raises ParameterError on a value outside its range.
    """

    clock_hz: float
    intensity: float

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_positive("intensity", self.intensity)
        require_weak("intensity", (self.intensity,))
