"""The receiver's pair of threshold single-photon detectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, erf, expm1, sqrt

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Detector:
    """Two equal gated threshold detectors, one for each bit value.

    efficiency: probability that a photon at the detector starts an avalanche.
    p_dark: dark counts per gate of each detector.
    dead_time_s: hold-off after any click, common to both detectors, as the security proof needs it.
    p_afterpulse: probability that a click leaves a trapped carrier in a detector that clicked; it fires that
    detector after the hold-off unless another click comes first.
    afterpulse_time_s: mean delay of that release after the first live gate, exponential in whole gates (0: always
    in the first live gate).
    jitter_s: standard deviation of the time tag. gate_s: width of the gate (None: the whole period, and no photon
    is lost outside it).
    Raises ParameterError on a value outside its range.
    """

    efficiency: float
    p_dark: float
    dead_time_s: float = 0.0
    p_afterpulse: float = 0.0
    afterpulse_time_s: float = 0.0
    jitter_s: float = 0.0
    gate_s: float | None = None

    def __post_init__(self) -> None:
        require_probability("efficiency", self.efficiency)
        require_probability("p_dark", self.p_dark)
        require_probability("p_afterpulse", self.p_afterpulse)
        require_not_negative("dead_time_s", self.dead_time_s)
        require_not_negative("afterpulse_time_s", self.afterpulse_time_s)
        require_not_negative("jitter_s", self.jitter_s)
        if self.gate_s is not None and not self.gate_s > 0:
            raise ParameterError(f"gate_s must be above 0, got {self.gate_s}")

    def require_clock(self, clock_hz: float) -> None:
        """Raise ParameterError if gates of this width overlap at a clock of clock_hz."""
        if self.gate_s is not None and self.gate_s * clock_hz > 1.0 + 1e-9:
            period_s = 1.0 / clock_hz
            raise ParameterError(f"gate_s must not pass the period of the clock, {period_s:.3g} s, got {self.gate_s:g}")

    @property
    def gated_efficiency(self) -> float:
        """Efficiency times the share of time tags (normal, jitter_s) that fall inside the gate."""
        if self.gate_s is None or self.jitter_s == 0.0:
            return self.efficiency
        return self.efficiency * erf(self.gate_s / (2.0 * sqrt(2.0) * self.jitter_s))

    def open_s(self, clock_hz: float) -> float:
        """How long a gate is open."""
        return 1.0 / clock_hz if self.gate_s is None else self.gate_s

    def lit(self, photons: float) -> Detector:
        """As it counts where so many photons of the surroundings come in a gate on average, half to each detector."""
        return replace(self, p_dark=dark_or_lit(self.p_dark, photons * self.efficiency / 2.0))

    def hold_off_gates(self, clock_hz: float) -> int:
        """Whole gates after a click in which neither detector is live."""
        return ceil(self.dead_time_s * clock_hz * (1.0 - 1e-12))

    def p_release(self, clock_hz: float) -> float:
        """Probability per live gate that a trapped carrier is released."""
        return 1.0 / (1.0 + self.afterpulse_time_s * clock_hz)


def dark_or_lit(p_dark: float, avalanches: float) -> float:
    """Probability of a count without signal: of a dark one, or of one that light of the surroundings starts."""
    return float(p_dark - (1.0 - p_dark) * expm1(-avalanches))
