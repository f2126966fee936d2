"""A receiver of time bins: times of arrival in the key basis, an interferometer in the test basis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.optics.detector import dark_or_lit

OUTER_BINS_DB = 3.0103
"""A passive interferometer of one bin's delay brings half of a photon's weight into bins that do not interfere."""


@dataclass(frozen=True, slots=True)
class TimeBinReceiver:
    """Equal threshold detectors behind a choice of two measurements of a pair of time bins.

    efficiency: probability that a photon at a detector starts an avalanche.
    p_dark: dark counts in one detection window: each of the two bins of the key basis, each of the two outputs of the
    interferometer.
    visibility: of the interference; the test basis errs with (1 - visibility) / 2 besides the fibre's misalignment.
    interferometer_loss_db: of the interferometer; by default a passive one without other loss, half of whose light
    falls into the outer bins. 0: a switch sends each bin its way.
    choice: "active": a switch sends the whole pulse to one measurement. "passive": a beam splitter shares it between
    both, all of whose windows are open in each gate; clicks in both bases become a random bit of a random basis.
    dead_time_s: hold-off of all detectors after any click.
    window_s: of a detection window, for light of the surroundings, of which a fibre has none (None: the whole bin, half
    of the period); all of the signal falls into it.
    Raises ParameterError on a value outside its range.
    """

    efficiency: float
    p_dark: float
    visibility: float = 1.0
    interferometer_loss_db: float = OUTER_BINS_DB
    choice: Literal["active", "passive"] = "passive"
    dead_time_s: float = 0.0
    window_s: float | None = None

    def __post_init__(self) -> None:
        require_probability("efficiency", self.efficiency)
        require_probability("p_dark", self.p_dark)
        require_probability("visibility", self.visibility)
        require_not_negative("interferometer_loss_db", self.interferometer_loss_db)
        require_not_negative("dead_time_s", self.dead_time_s)
        if self.window_s is not None and not self.window_s > 0.0:
            raise ParameterError(f"window_s must be above 0, got {self.window_s}")

    def require_clock(self, clock_hz: float) -> None:
        """Raise ParameterError if windows of this width overlap at a clock of clock_hz."""
        if self.window_s is not None and self.window_s * clock_hz > 0.5 + 1e-9:
            raise ParameterError(f"window_s must not pass a bin, {0.5 / clock_hz:.3g} s, got {self.window_s:g}")

    @property
    def interferometer_transmittance(self) -> float:
        """Share of the light that interferes, of what enters the interferometer."""
        return float(10.0 ** (-self.interferometer_loss_db / 10.0))

    def open_s(self, clock_hz: float) -> float:
        """How long a detection window is open."""
        return 0.5 / clock_hz if self.window_s is None else self.window_s

    def lit(self, photons: float) -> TimeBinReceiver:
        """As it counts where so many photons of the surroundings come in a detection window on average.

        All of them count as if in the key basis, undivided: in the test basis there are fewer.
        """
        return replace(self, p_dark=dark_or_lit(self.p_dark, photons * self.efficiency))

    def hold_off_gates(self, clock_hz: float) -> int:
        """Whole gates after a click in which no detector is live."""
        return ceil(self.dead_time_s * clock_hz * (1.0 - 1e-12))

    def empty_ratio(self, p_key_basis: float) -> float:
        """Clicks of the test basis for one of the key basis, at most, whatever comes in place of an empty pulse.

        p_key_basis: of this receiver. Dark counts follow the switch, and open all windows behind a beam splitter;
        light follows either, and is lost in the interferometer.
        """
        by_light = (1.0 - p_key_basis) / p_key_basis
        return by_light if self.choice == "active" else max(1.0, by_light)
