"""How high a satellite can ever stand over a station."""

from __future__ import annotations

import math

from haris.quantum.orbit.elements import Elements
from haris.quantum.orbit.station import Station

TURN_DEG = 180.0


def highest_elevation_deg(satellite: Elements, station: Station) -> float:
    """Elevation that no pass of this orbit exceeds over the station: of its apogee, over the nearest parallel.

    Takes the Earth for a sphere through the station and the orbit for Kepler's, which is off by half a degree; the
    satellite is taken to come over every longitude, so that one that stands still in the sky may stay far below.
    """
    from_equator_deg = min(satellite.inclination_deg, TURN_DEG - satellite.inclination_deg)
    away = math.radians(max(abs(station.latitude_deg) - from_equator_deg, 0.0))
    ground_m = math.hypot(*station.position_m)
    apogee_m = satellite.semi_major_axis_m * (1.0 + satellite.eccentricity)
    up_m = apogee_m * math.cos(away) - ground_m
    return math.degrees(math.atan2(up_m, apogee_m * math.sin(away)))
