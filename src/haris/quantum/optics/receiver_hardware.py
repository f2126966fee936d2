"""What is not ideal in a coherent receiver: local oscillator, balanced detectors and converters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError
from haris.quantum.optics.converters import require_converter, require_intensity_noise


@dataclass(frozen=True, slots=True)
class ReceiverHardware:
    """The data sheet of a coherent receiver; what is left out is ideal.

    local_oscillator: "local", a laser at the receiver, or "transmitted", sent by Alice beside the signal.
    linewidth_hz: of a local laser's Lorentzian line, full width at half maximum.
    frequency_offset_hz: of a local laser from Alice's, either sign. The pilot tells it: it adds no noise.
    lo_power_w: of the local oscillator at each balanced detector, both diodes together; of a transmitted one as if
    there were no loss on the way.
    responsivity_a_per_w: of the photodiodes.
    noise_a_per_sqrt_hz: of the amplifier, as a current at its input; needs lo_power_w.
    lo_rin_db_per_hz: relative intensity noise of the local oscillator, one-sided; below 0.
    cmrr_db: by how much, 20 log10 of the amplitude, what both diodes see alike is suppressed; needs lo_power_w;
    none: in full.
    adc_bits: of the converters, 1 to 24.
    adc_headroom: how far their range goes beyond the pilot's amplitude, in deviations of everything else.
    delay_s: by how much a transmitted oscillator comes later or earlier than the signal that left the laser with it.
    isolation_db: by how much a transmitted oscillator's power is suppressed in the signal's mode; needs lo_power_w.
    Raises ParameterError on any other value, and on what belongs to the other kind of oscillator.
    """

    local_oscillator: Literal["local", "transmitted"] = "local"
    linewidth_hz: float = 0.0
    frequency_offset_hz: float = 0.0
    lo_power_w: float | None = None
    responsivity_a_per_w: float = 1.0
    noise_a_per_sqrt_hz: float = 0.0
    lo_rin_db_per_hz: float | None = None
    cmrr_db: float | None = None
    adc_bits: int | None = None
    adc_headroom: float = 4.5
    delay_s: float = 0.0
    isolation_db: float | None = None

    def __post_init__(self) -> None:
        if self.local_oscillator not in ("local", "transmitted"):
            raise ParameterError(f'local_oscillator must be "local" or "transmitted", got {self.local_oscillator!r}')
        for name in ("linewidth_hz", "noise_a_per_sqrt_hz", "delay_s"):
            require_not_negative(name, getattr(self, name))
        require_not_negative("frequency_offset_hz", abs(self.frequency_offset_hz))
        require_positive("responsivity_a_per_w", self.responsivity_a_per_w)
        require_intensity_noise("lo_rin_db_per_hz", self.lo_rin_db_per_hz)
        require_converter("adc", self.adc_bits, self.adc_headroom)
        for name in ("cmrr_db", "isolation_db"):
            if getattr(self, name) is not None:
                require_not_negative(name, getattr(self, name))
        if self.lo_power_w is not None:
            require_positive("lo_power_w", self.lo_power_w)
        elif self.noise_a_per_sqrt_hz > 0.0 or self.cmrr_db is not None or self.isolation_db is not None:
            raise ParameterError("lo_power_w is needed by noise_a_per_sqrt_hz, cmrr_db and isolation_db")
        self._require_kind()

    def _require_kind(self) -> None:
        other = ("linewidth_hz", "frequency_offset_hz") if self.transmitted else ("delay_s", "isolation_db")
        for name in other:
            if getattr(self, name):
                raise ParameterError(f"{name} has no meaning for a {self.local_oscillator} oscillator")

    @property
    def transmitted(self) -> bool:
        """Whether the oscillator came with the signal."""
        return self.local_oscillator == "transmitted"
