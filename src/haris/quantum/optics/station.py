"""The station in the middle: two threshold detectors behind a beam splitter, and the phase reference."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Station:
    """Where the arms of two ends interfere. It need not be trusted.

    efficiency: of each detector, with the station's optics. p_dark: dark counts per window of each detector.
    reference_interval_s: from one estimate of the arms' relative phase to the next; 0 for a phase that is known at
    every window. reference_photons: detected photons of each estimate; None for an estimate without shot noise.
    phase_drift_rad_per_s: standard deviation of the rate at which the fibres turn the relative phase.
    Raises ParameterError on a value outside its range.
    """

    efficiency: float
    p_dark: float
    reference_interval_s: float = 0.0
    reference_photons: float | None = None
    phase_drift_rad_per_s: float = 0.0

    def __post_init__(self) -> None:
        require_probability("efficiency", self.efficiency)
        require_probability("p_dark", self.p_dark)
        require_not_negative("reference_interval_s", self.reference_interval_s)
        require_not_negative("phase_drift_rad_per_s", self.phase_drift_rad_per_s)
        if self.reference_photons is not None and not self.reference_photons > 0.0:
            raise ParameterError(f"reference_photons must be above 0, got {self.reference_photons}")
