"""A receiver of time bins: times of arrival in the key basis, an interferometer in the test basis."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from haris.nouns.checks import require_not_negative, require_probability

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
    Raises ParameterError on a value outside its range.
    """

    efficiency: float
    p_dark: float
    visibility: float = 1.0
    interferometer_loss_db: float = OUTER_BINS_DB
    choice: Literal["active", "passive"] = "passive"
    dead_time_s: float = 0.0

    def __post_init__(self) -> None:
        require_probability("efficiency", self.efficiency)
        require_probability("p_dark", self.p_dark)
        require_probability("visibility", self.visibility)
        require_not_negative("interferometer_loss_db", self.interferometer_loss_db)
        require_not_negative("dead_time_s", self.dead_time_s)

    @property
    def interferometer_transmittance(self) -> float:
        """Share of the light that interferes, of what enters the interferometer."""
        return float(10.0 ** (-self.interferometer_loss_db / 10.0))

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
