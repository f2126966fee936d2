"""Where satellites are: SGP4, and the frame that turns with the Earth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sgp4.api import SGP4_ERRORS, WGS72, Satrec, SatrecArray

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import DAY_S, EARTH_MU_M3_PER_S2, Elements
from haris.quantum.orbit.time_scales import EARTH_ROTATION_RAD_PER_S, julian_date, sidereal_angle_rad

Floats = NDArray[np.float64]
MOST_AGE_S = 14.0 * DAY_S
"""How far elements may be from the time asked for: drag shifts a low orbit by seconds in days, then by minutes."""
_EPOCH_1949_S = -631238400.0
"""Day 0 of SGP4: 31 December 1949."""


@dataclass(frozen=True, slots=True)
class States:
    """Positions and velocities, float64 (..., time, 3), metres and metres a second.

    In the frame that turns with the Earth (z north, x to Greenwich), unless a function says otherwise.
    """

    position_m: Floats
    velocity_m_per_s: Floats


def inertial_states(elements: Sequence[Elements], unix_s: ArrayLike, most_age_s: float = MOST_AGE_S) -> States:
    """States of n satellites at t times, shape (n, t, 3), in TEME; unix_s: UTC, seconds since 1970, shape (t,).

    Raises ParameterError if a time lies more than most_age_s from the epoch of elements, or an orbit has decayed.
    Source: Vallado, Crawford, Hujsak, Kelso, AIAA 2006-6753; by the package sgp4.
    """
    times = np.atleast_1d(np.asarray(unix_s, dtype=np.float64))
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ParameterError("unix_s must be a list of finite times")
    if times.size:
        ends_s = float(times.min()), float(times.max())
        for each in elements:
            require_fresh(each, *ends_s, most_age_s)
    days, fractions = julian_date(times)
    records = SatrecArray([_record(each) for each in elements])
    errors, position_km, velocity_km_per_s = records.sgp4(days, fractions)
    if errors.any():
        n, t = (int(i[0]) for i in np.nonzero(errors))
        raise ParameterError(f"{elements[n].name} cannot be propagated: {SGP4_ERRORS[int(errors[n, t])]}")
    return States(position_km * 1e3, velocity_km_per_s * 1e3)


def states(elements: Sequence[Elements], unix_s: ArrayLike, most_age_s: float = MOST_AGE_S) -> States:
    """inertial_states as seen from the turning Earth, shape (n, t, 3). Polar motion (10 m) is left out."""
    inertial = inertial_states(elements, unix_s, most_age_s)
    angle = sidereal_angle_rad(np.atleast_1d(unix_s))
    position = turned(inertial.position_m, angle)
    velocity = turned(inertial.velocity_m_per_s, angle)
    velocity[..., 0] += EARTH_ROTATION_RAD_PER_S * position[..., 1]
    velocity[..., 1] -= EARTH_ROTATION_RAD_PER_S * position[..., 0]
    return States(position, velocity)


def turned(vectors: Floats, angle_rad: Floats) -> Floats:
    """Vectors (..., t, 3) in axes turned about z by angle_rad (t,)."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    x, y = vectors[..., 0], vectors[..., 1]
    result = vectors.copy()
    result[..., 0], result[..., 1] = cos * x + sin * y, cos * y - sin * x
    return result


def require_fresh(elements: Elements, first_s: float, last_s: float, most_age_s: float = MOST_AGE_S) -> None:
    """Raise ParameterError if the first or the last of some times lies more than most_age_s from the epoch."""
    age_s = max(abs(first_s - elements.epoch_s), abs(last_s - elements.epoch_s))
    if age_s > most_age_s:
        raise ParameterError(
            f"the elements of {elements.name} are {age_s / DAY_S:.1f} days from the time asked for, "
            f"and at most {most_age_s / DAY_S:g} are believed"
        )


@lru_cache(maxsize=4096)
def _record(elements: Elements) -> Satrec:
    record = Satrec()
    record.sgp4init(
        WGS72,
        "i",
        elements.catalogue_number % 100_000,
        (elements.epoch_s - _EPOCH_1949_S) / DAY_S,
        elements.bstar_per_radius,
        0.0,
        0.0,
        elements.eccentricity,
        np.radians(elements.argument_of_perigee_deg),
        np.radians(elements.inclination_deg),
        np.radians(elements.mean_anomaly_deg),
        elements.mean_motion_rev_per_day * 2.0 * np.pi / 1440.0,
        np.radians(elements.raan_deg),
    )
    if record.error:
        raise ParameterError(f"{elements.name} is no orbit for SGP4: {SGP4_ERRORS[record.error]}")
    return record


def fastest_rad_per_s(satellite: Elements) -> float:
    """How fast it turns at most, as seen from the turning Earth: at its perigee, or as the Earth does below it."""
    perigee_m = satellite.semi_major_axis_m * (1.0 - satellite.eccentricity)
    at_perigee = math.sqrt(EARTH_MU_M3_PER_S2 * (1.0 + satellite.eccentricity) / perigee_m**3)
    return max(at_perigee, EARTH_ROTATION_RAD_PER_S)
