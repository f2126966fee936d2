"""A transmitter of three states whose directions are known, and may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sin

from haris.nouns.errors import ParameterError
from haris.quantum.optics.source import Source

LEAST_AREA = 1e-3
"""Of the triangle of the three states on the Bloch sphere: of states on a line nothing can be told of others."""


def state_area(angles_rad: tuple[float, float, float]) -> float:
    """Area of the triangle of three states on the circle, at most 3 sqrt(3) / 4."""
    a, b, c = angles_rad
    return abs(sin(b - a) + sin(c - b) + sin(a - c)) / 2.0


@dataclass(frozen=True, slots=True)
class FlawedSource(Source):
    """Weak coherent pulses in one of three pure states on a great circle of the Bloch sphere, as they were measured.

    clock_hz: pulses a second.
    intensities: mean photon numbers per pulse, strictly descending; the last may be 0.
    p_intensities: their probabilities, same length, summing to 1.
    angles_rad: directions of the two key states and of the test state, from the ideal first key state: 0, pi and pi/2
    are ideal. Of a phase modulator that turns by 1 + delta / pi of what is asked: 0, pi + delta, (pi + delta) / 2.
    Raises ParameterError beyond 2 pi, or on states that lie on a line or nearly so.
    Source: Tamaki, Curty, Kato, Lo, Azuma, PRA 90, 052314 (2014).
    """

    angles_rad: tuple[float, float, float] = (0.0, pi, pi / 2.0)

    def __post_init__(self) -> None:
        Source.__post_init__(self)
        if len(self.angles_rad) != 3 or not all(abs(angle) <= 2.0 * pi for angle in self.angles_rad):
            raise ParameterError(f"angles_rad must be three angles within 2 pi of 0, got {self.angles_rad}")
        if not state_area(self.angles_rad) >= LEAST_AREA:
            raise ParameterError(f"angles_rad must be of three different states, got {self.angles_rad}")
