"""A source of single photons."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive, require_probability


@dataclass(frozen=True, slots=True)
class SinglePhotonSource:
    """One photon or none a pulse; never two, which a real source must be shown to come near.

    clock_hz: pulses a second. efficiency: probability that a pulse has its photon as it leaves Alice.
    Raises ParameterError on a value outside its range.
    """

    clock_hz: float
    efficiency: float = 1.0

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_probability("efficiency", self.efficiency)
