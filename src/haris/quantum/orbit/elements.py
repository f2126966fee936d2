"""Mean elements of a satellite: what SGP4 starts from."""

from __future__ import annotations

import math
from dataclasses import dataclass

from haris.nouns.checks import require_printable
from haris.nouns.errors import ParameterError

EARTH_RADIUS_M = 6378135.0
"""Equatorial radius of WGS-72, which elements for SGP4 are fitted with."""
EARTH_MU_M3_PER_S2 = 3.986008e14
"""Gravitational constant of the Earth in WGS-72."""
LEAST_PERIGEE_M = 100e3
"""Below it no satellite completes an orbit."""
MOST_REVOLUTIONS = 17.0
"""A day; an orbit that grazes the ground has 17.04."""
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Elements:
    """Mean elements of one satellite as SGP4 takes them (TEME of the epoch, WGS-72, Kozai's mean motion).

    name: of the satellite. catalogue_number: 0 if it has none. epoch_s: UTC, seconds since 1970.
    mean_motion_rev_per_day, eccentricity, inclination_deg, raan_deg, argument_of_perigee_deg, mean_anomaly_deg: the
    orbit at the epoch. bstar_per_radius: drag, per Earth radius.
    Raises ParameterError on a value outside its range, a name with characters that are not printed, or an orbit that
    meets the atmosphere below 100 km.
    """

    name: str
    catalogue_number: int
    epoch_s: float
    mean_motion_rev_per_day: float
    eccentricity: float
    inclination_deg: float
    raan_deg: float
    argument_of_perigee_deg: float
    mean_anomaly_deg: float
    bstar_per_radius: float = 0.0

    def __post_init__(self) -> None:
        require_printable("name", self.name)
        if not 0 <= self.catalogue_number < 1_000_000_000:
            raise ParameterError(f"catalogue_number must lie in [0, 1e9), got {self.catalogue_number}")
        if not math.isfinite(self.epoch_s):
            raise ParameterError(f"epoch_s must be finite, got {self.epoch_s}")
        if not 0.0 < self.mean_motion_rev_per_day <= MOST_REVOLUTIONS:
            raise ParameterError(
                f"mean_motion_rev_per_day must lie in (0, {MOST_REVOLUTIONS:g}], got {self.mean_motion_rev_per_day}"
            )
        if not 0.0 <= self.eccentricity < 1.0:
            raise ParameterError(f"eccentricity must lie in [0, 1), got {self.eccentricity}")
        if not 0.0 <= self.inclination_deg <= 180.0:
            raise ParameterError(f"inclination_deg must lie in [0, 180], got {self.inclination_deg}")
        for name in ("raan_deg", "argument_of_perigee_deg", "mean_anomaly_deg"):
            if not 0.0 <= getattr(self, name) <= 360.0:
                raise ParameterError(f"{name} must lie in [0, 360], got {getattr(self, name)}")
        if not abs(self.bstar_per_radius) < 1.0:
            raise ParameterError(f"bstar_per_radius must lie within 1 of 0, got {self.bstar_per_radius}")
        perigee_m = self.semi_major_axis_m * (1.0 - self.eccentricity) - EARTH_RADIUS_M
        if perigee_m < LEAST_PERIGEE_M:
            raise ParameterError(f"the perigee of {self.name} lies {perigee_m / 1e3:.0f} km up: no orbit")

    @property
    def semi_major_axis_m(self) -> float:
        """Of the two-body orbit with this mean motion (Kepler's third law)."""
        per_s = self.mean_motion_rev_per_day * 2.0 * math.pi / DAY_S
        return float((EARTH_MU_M3_PER_S2 / per_s**2) ** (1.0 / 3.0))

    @property
    def period_s(self) -> float:
        """Of one revolution."""
        return DAY_S / self.mean_motion_rev_per_day


def circular(
    name: str, epoch_s: float, altitude_m: float, inclination_deg: float, raan_deg: float, phase_deg: float
) -> Elements:
    """Elements of a circular orbit altitude_m above the equatorial radius; phase_deg: from the ascending node.

    The two-body mean motion stands for Kozai's: the height is off by some kilometres at most. Raises as Elements.
    """
    if not (math.isfinite(altitude_m) and altitude_m > 0.0):
        raise ParameterError(f"altitude_m must be finite and above 0, got {altitude_m}")
    per_s = math.sqrt(EARTH_MU_M3_PER_S2 / (EARTH_RADIUS_M + altitude_m) ** 3)
    return Elements(
        name=name,
        catalogue_number=0,
        epoch_s=epoch_s,
        mean_motion_rev_per_day=per_s * DAY_S / (2.0 * math.pi),
        eccentricity=0.0,
        inclination_deg=inclination_deg,
        raan_deg=raan_deg % 360.0,
        argument_of_perigee_deg=0.0,
        mean_anomaly_deg=phase_deg % 360.0,
    )
