"""Walker constellations: satellites spread evenly over evenly spread planes."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import Elements, circular


@dataclass(frozen=True, slots=True)
class Walker:
    """A constellation i: T/P/F of circular orbits.

    satellites: T, all of them. planes: P, a divisor of T. phasing: F in [0, P): a satellite is led by its neighbour of
    the next plane to the east by F x 360/T degrees. altitude_m, inclination_deg: of every orbit. spread_deg: of the
    ascending nodes, 360 for a delta pattern and 180 for a star.
    Raises ParameterError on any other value.
    Source: Walker, J. Br. Interplanet. Soc. 37, 559 (1984).
    """

    satellites: int
    planes: int
    phasing: int
    altitude_m: float
    inclination_deg: float
    spread_deg: float = 360.0

    def __post_init__(self) -> None:
        if not 0 < self.satellites <= 100_000:
            raise ParameterError(f"satellites must lie in [1, 100000], got {self.satellites}")
        if self.planes < 1 or self.satellites % self.planes:
            raise ParameterError(f"planes must divide {self.satellites} satellites, got {self.planes}")
        if not 0 <= self.phasing < self.planes:
            raise ParameterError(f"phasing must lie in [0, {self.planes}), got {self.phasing}")
        if not 0.0 < self.spread_deg <= 360.0:
            raise ParameterError(f"spread_deg must lie in (0, 360], got {self.spread_deg}")
        self.elements(0.0)

    def elements(self, epoch_s: float, raan_deg: float = 0.0) -> tuple[Elements, ...]:
        """Every satellite at epoch_s (UTC, seconds since 1970), plane by plane; raan_deg: node of the first plane."""
        each = self.satellites // self.planes
        return tuple(
            circular(
                f"{plane + 1}-{slot + 1}",
                epoch_s,
                self.altitude_m,
                self.inclination_deg,
                raan_deg + plane * self.spread_deg / self.planes,
                slot * 360.0 / each + plane * self.phasing * 360.0 / self.satellites,
            )
            for plane in range(self.planes)
            for slot in range(each)
        )
