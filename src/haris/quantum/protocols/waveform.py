"""The form of the light between two symbols: pulses, and a pilot tone beside them."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError

MOST_WINDOW = 1e5
"""Symbols that the phase is averaged over, at most."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """Root-raised-cosine pulses of a bandwidth of (1 + roll_off) times the clock, and one tone above that band.

    pilot_offset_hz: of the tone from the signal's carrier.
    pilot_power_db: the tone's power over the signal's mean power.
    pilot_bandwidth_hz: noise bandwidth of the Gaussian filter through which the receiver sees the tone; none: the one
    of the least phase error for the loss, at least 1e-5 of the clock, at most half of the gap between tone and band.
    roll_off: in (0, 1].
    samples_per_symbol: of transmitter and receiver, 2 to 64.
    Raises ParameterError on any other value.
    """

    pilot_offset_hz: float
    pilot_power_db: float = 15.0
    pilot_bandwidth_hz: float | None = None
    roll_off: float = 0.2
    samples_per_symbol: int = 4

    def __post_init__(self) -> None:
        require_positive("pilot_offset_hz", self.pilot_offset_hz)
        if not -100.0 <= self.pilot_power_db <= 100.0:
            raise ParameterError(f"pilot_power_db must lie in [-100, 100], got {self.pilot_power_db}")
        if self.pilot_bandwidth_hz is not None:
            require_positive("pilot_bandwidth_hz", self.pilot_bandwidth_hz)
        if not 0.0 < self.roll_off <= 1.0:
            raise ParameterError(f"roll_off must lie in (0, 1], got {self.roll_off}")
        if not 2 <= self.samples_per_symbol <= 64:
            raise ParameterError(f"samples_per_symbol must lie in [2, 64], got {self.samples_per_symbol}")

    @property
    def pilot_ratio(self) -> float:
        """The tone's power over the signal's."""
        return float(10.0 ** (self.pilot_power_db / 10.0))

    def gap_hz(self, clock_hz: float) -> float:
        """Between the signal's band and the tone."""
        return self.pilot_offset_hz - (1.0 + self.roll_off) / 2.0 * clock_hz

    def require_room(self, clock_hz: float, frequency_offset_hz: float) -> None:
        """Raise ParameterError unless the tone lies above the signal's band and inside what is sampled."""
        if not self.gap_hz(clock_hz) > 0.0:
            raise ParameterError(
                "waveform must have its pilot_offset_hz above the signal's band, "
                f"{(1 + self.roll_off) / 2 * clock_hz:g} Hz, got {self.pilot_offset_hz:g}"
            )
        end = self.samples_per_symbol * clock_hz / 2.0
        if not self.pilot_offset_hz + abs(frequency_offset_hz) < end:
            raise ParameterError(
                "waveform must have its pilot_offset_hz with the lasers' offset below half of the sampling rate, "
                f"{end:g} Hz, got {self.pilot_offset_hz + abs(frequency_offset_hz):g}"
            )
        if self.pilot_bandwidth_hz is not None and self.pilot_bandwidth_hz > self.gap_hz(clock_hz) / 2.0:
            raise ParameterError(
                f"waveform must have its pilot_bandwidth_hz at most half of the gap between band and tone, "
                f"{self.gap_hz(clock_hz) / 2.0:g} Hz, got {self.pilot_bandwidth_hz:g}"
            )
