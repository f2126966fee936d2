"""The Sun: where it stands, whether a station has night, and whether a satellite is lit."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.quantum.orbit.propagation import turned
from haris.quantum.orbit.station import WGS84_RADIUS_M, Station
from haris.quantum.orbit.time_scales import days_since_j2000, sidereal_angle_rad

Floats = NDArray[np.float64]
ASTRONOMICAL_UNIT_M = 149597870700.0
SUN_RADIUS_M = 6.957e8


def sun_position_m(unix_s: ArrayLike) -> Floats:
    """Of the Sun from the Earth's centre, in the equator and equinox of date, shape (t, 3).

    Within 0.01 degrees from 1950 to 2050. Source: The Astronomical Almanac, "Low-precision formulas for the Sun".
    """
    n = np.atleast_1d(days_since_j2000(unix_s))
    anomaly = np.radians(357.528 + 0.9856003 * n)
    sin, cos = np.sin(anomaly), np.cos(anomaly)
    longitude = np.radians(280.460 + 0.9856474 * n + 1.915 * sin + 0.040 * sin * cos)
    obliquity = np.radians(23.439 - 0.0000004 * n)
    range_m = ASTRONOMICAL_UNIT_M * (1.00014 - 0.01671 * cos - 0.00014 * (2.0 * cos * cos - 1.0))
    place = np.empty((n.size, 3))
    place[:, 0] = range_m * np.cos(longitude)
    across_m = range_m * np.sin(longitude)
    place[:, 1], place[:, 2] = across_m * np.cos(obliquity), across_m * np.sin(obliquity)
    return place


def sun_elevation_deg(station: Station, unix_s: ArrayLike) -> Floats:
    """Above the horizon of a station, without refraction, shape (t,)."""
    away = turned(sun_position_m(unix_s), sidereal_angle_rad(np.atleast_1d(unix_s))) - station.position_m
    up = away @ station.axes[2]
    return np.asarray(np.degrees(np.arcsin(up / np.sqrt(np.einsum("ti,ti->t", away, away)))))


def is_sunlit(position_m: Floats, unix_s: ArrayLike) -> NDArray[np.bool_]:
    """Whether any of the Sun's disc is seen from a position (..., t, 3) in TEME; shape (..., t).

    A satellite in the Earth's umbra is not lit; one in penumbra is. The Earth is a sphere without air.
    Source: Montenbruck, Gill, Satellite Orbits (2000), section 3.4.2.
    """
    to_sun = sun_position_m(unix_s) - position_m
    sun_m, earth_m = np.linalg.norm(to_sun, axis=-1), np.linalg.norm(position_m, axis=-1)
    between = np.arccos(np.clip(-np.einsum("...i,...i->...", to_sun, position_m) / (sun_m * earth_m), -1.0, 1.0))
    earth = np.arcsin(np.minimum(WGS84_RADIUS_M / earth_m, 1.0))
    return np.asarray(between > earth - np.arcsin(SUN_RADIUS_M / sun_m))
