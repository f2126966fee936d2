"""What is not ideal in a transmitter of quadratures: laser, modulator and converters."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_not_negative
from haris.nouns.errors import ParameterError
from haris.quantum.optics.converters import require_converter, require_intensity_noise


@dataclass(frozen=True, slots=True)
class TransmitterHardware:
    """The data sheet of a transmitter; what is left out is ideal.

    linewidth_hz: of the laser's Lorentzian line, full width at half maximum. What drifts more slowly than the pilot is
    followed does not count.
    rin_db_per_hz: relative intensity noise of the laser, one-sided, about its mean over the symbols' band; below 0.
    dac_bits: of the converters that drive the modulator, 1 to 24.
    dac_headroom: how far their range goes beyond the pilot's amplitude, in deviations of the modulation.
    iq_gain_error: by how much the second quadrature's amplitude is too great, as a share, between -1 and 1.
    iq_phase_error_rad: by how much the angle between both quadratures differs from a right one, between -1 and 1.
    Raises ParameterError on any other value.
    """

    linewidth_hz: float = 0.0
    rin_db_per_hz: float | None = None
    dac_bits: int | None = None
    dac_headroom: float = 4.5
    iq_gain_error: float = 0.0
    iq_phase_error_rad: float = 0.0

    def __post_init__(self) -> None:
        require_not_negative("linewidth_hz", self.linewidth_hz)
        require_intensity_noise("rin_db_per_hz", self.rin_db_per_hz)
        require_converter("dac", self.dac_bits, self.dac_headroom)
        for name in ("iq_gain_error", "iq_phase_error_rad"):
            if not abs(getattr(self, name)) < 1.0:
                raise ParameterError(f"{name} must lie between -1 and 1, got {getattr(self, name)}")
