"""The transmitter of continuous variables: coherent states with a Gaussian amplitude."""

from __future__ import annotations

from dataclasses import dataclass, field

from haris.nouns.checks import require_positive
from haris.quantum.optics.transmitter_hardware import TransmitterHardware


@dataclass(frozen=True, slots=True)
class ModulatedLaser:
    """Coherent states, one a period, whose two quadratures are drawn from a normal distribution.

    clock_hz: states a second, reference states included.
    modulation_variance_snu: variance of either quadrature's mean as it enters the channel, shot-noise units (the vacuum
    has 1), twice the mean number of photons.
    hardware: what is not ideal in laser, modulator and converters, a table of its own.
    Raises ParameterError unless both numbers are above 0.
    """

    clock_hz: float
    modulation_variance_snu: float
    hardware: TransmitterHardware | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_positive("modulation_variance_snu", self.modulation_variance_snu)
