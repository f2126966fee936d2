"""A ground station, and where it sees a satellite."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_printable
from haris.nouns.errors import ParameterError
from haris.quantum.orbit.propagation import States

Floats = NDArray[np.float64]
WGS84_RADIUS_M = 6378137.0
WGS84_FLATTENING = 1.0 / 298.257223563
LEAST_HEIGHT_M = -430.0
"""The shore of the Dead Sea: a station lower than that lies below the ground."""
MOST_HEIGHT_M = 9000.0
LIGHT_M_PER_S = 299792458.0


@dataclass(frozen=True, slots=True)
class Station:
    """A place on the ground.

    name: of the station. latitude_deg, longitude_deg: geodetic (WGS-84), north and east positive. height_m: above the
    ellipsoid. Raises ParameterError on a place that is not on the Earth's surface, or a name as Elements.
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0

    def __post_init__(self) -> None:
        require_printable("name", self.name)
        if not -90.0 <= self.latitude_deg <= 90.0:
            raise ParameterError(f"latitude_deg must lie in [-90, 90], got {self.latitude_deg}")
        if not -180.0 <= self.longitude_deg <= 360.0:
            raise ParameterError(f"longitude_deg must lie in [-180, 360], got {self.longitude_deg}")
        if not LEAST_HEIGHT_M <= self.height_m <= MOST_HEIGHT_M:
            where = "below the ground" if self.height_m < LEAST_HEIGHT_M else "above every mountain"
            raise ParameterError(f"height_m of {self.name} is {where}: {self.height_m:g}")

    @property
    def position_m(self) -> Floats:
        """In the frame that turns with the Earth, shape (3,), not to be written to."""
        return _place(self)[0]

    @property
    def axes(self) -> Floats:
        """East, north and up as rows, shape (3, 3), not to be written to."""
        return _place(self)[1]


@lru_cache(maxsize=1024)
def _place(station: Station) -> tuple[Floats, Floats]:
    """Position and axes of a station."""
    latitude, longitude = math.radians(station.latitude_deg), math.radians(station.longitude_deg)
    sin_b, cos_b, sin_l, cos_l = math.sin(latitude), math.cos(latitude), math.sin(longitude), math.cos(longitude)
    square = WGS84_FLATTENING * (2.0 - WGS84_FLATTENING)
    normal_m = WGS84_RADIUS_M / math.sqrt(1.0 - square * sin_b**2)
    across_m = (normal_m + station.height_m) * cos_b
    up_m = (normal_m * (1.0 - square) + station.height_m) * sin_b
    place = np.array([across_m * cos_l, across_m * sin_l, up_m])
    axes = np.array(
        [[-sin_l, cos_l, 0.0], [-sin_b * cos_l, -sin_b * sin_l, cos_b], [cos_b * cos_l, cos_b * sin_l, sin_b]]
    )
    place.flags.writeable = axes.flags.writeable = False
    return place, axes


@dataclass(frozen=True, slots=True)
class Sight:
    """Satellites as a station sees them, float64 of the states' leading shape; direction and motion when asked for.

    away_m, velocity_m_per_s: from the station, and how it changes, (..., 3) in the frame that turns with the Earth.
    elevation_deg: above the horizon, without refraction. range_m: distance.
    """

    station: Station
    away_m: Floats
    velocity_m_per_s: Floats
    elevation_deg: Floats
    range_m: Floats

    @property
    def azimuth_deg(self) -> Floats:
        """From north over east, in [0, 360)."""
        east, north, _ = self.station.axes
        return np.asarray(np.degrees(np.arctan2(self.away_m @ east, self.away_m @ north)) % 360.0)

    @property
    def range_rate_m_per_s(self) -> Floats:
        """How fast the distance grows."""
        return np.asarray(np.einsum("...i,...i->...", self.away_m, self.velocity_m_per_s) / self.range_m)

    def part(self, used: int | slice | NDArray[np.bool_]) -> Sight:
        """Some of the leading axis."""
        of = self.away_m, self.velocity_m_per_s, self.elevation_deg, self.range_m
        return Sight(self.station, *(each[used] for each in of))


def sight(station: Station, seen: States) -> Sight:
    """Where a station sees satellites whose states are of the turning Earth."""
    away = seen.position_m - station.position_m
    range_m = np.sqrt(np.einsum("...i,...i->...", away, away))
    sine = away @ station.axes[2] / range_m
    elevation_deg = np.degrees(np.arcsin(np.minimum(np.maximum(sine, -1.0), 1.0)))
    return Sight(station, away, seen.velocity_m_per_s, elevation_deg, range_m)


def doppler_shift_hz(range_rate_m_per_s: ArrayLike, frequency_hz: float) -> Floats:
    """How much higher a frequency arrives than it was sent: -f v/c of the range rate v, any shape.

    The terms of second order, 3e-10 of the frequency for a low orbit, are left out.
    """
    return np.asarray(-frequency_hz * np.asarray(range_rate_m_per_s, dtype=np.float64) / LIGHT_M_PER_S)
