"""Seconds since 1970 (UTC) as Julian dates and as the angle that the Earth has turned."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNIX_EPOCH_JD = 2440587.5
EARTH_ROTATION_RAD_PER_S = 7.292115146706979e-5
"""Vallado, Fundamentals of Astrodynamics (2013), p. 226: without the length of day's variation."""
J2000_UNIX_S = 946728000.0
"""Noon of 1 January 2000."""
_JULIAN_YEAR_S = 365.25 * 86400.0
_FIRST_YEAR = 2016
_TT_MINUS_UT1_S = np.array(
    (68.102, 68.593, 68.968, 69.220, 69.361, 69.359, 69.294, 69.204, 69.175, 69.138, 69.110, 69.308)
)
"""On the first of January of each year from there on; the last is predicted. Source: IERS Bulletin A, November 2026."""
_LEAP_SECOND_S = 1483228800.0
"""The last leap second so far ended on 1 January 2017: TT - UTC is 68.184 s before it and 69.184 s after it."""


def _ut1_minus_utc() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Moments, UTC, between which UT1 - UTC runs straight, and its values; two about the leap second."""
    years = np.arange(_TT_MINUS_UT1_S.size, dtype=np.float64)
    new_years_s = J2000_UNIX_S + (years + _FIRST_YEAR - 2000.0) * _JULIAN_YEAR_S - 43200.0
    about = np.array([np.nextafter(_LEAP_SECOND_S, 0.0), _LEAP_SECOND_S])
    moments = np.sort(np.concatenate([new_years_s, about]))
    terrestrial = np.where(moments < _LEAP_SECOND_S, 68.184, 69.184)
    return moments, terrestrial - np.interp(moments, new_years_s, _TT_MINUS_UT1_S)


_MOMENTS_S, _UT1_MINUS_UTC_S = _ut1_minus_utc()


def julian_date(unix_s: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Julian date as the midnight before and a fraction of a day, so that no microsecond is lost; any shape."""
    t = np.asarray(unix_s, dtype=np.float64)
    days = np.floor(t / 86400.0)
    return np.asarray(UNIX_EPOCH_JD + days), np.asarray((t - days * 86400.0) / 86400.0)


def days_since_j2000(unix_s: ArrayLike) -> NDArray[np.float64]:
    """Days since noon of 1 January 2000, any shape."""
    return np.asarray((np.asarray(unix_s, dtype=np.float64) - J2000_UNIX_S) / 86400.0)


def ut1_minus_utc_s(unix_s: ArrayLike) -> NDArray[np.float64]:
    """How far the Earth's rotation is ahead of UTC, any shape: within 0.1 s from 2016 to 2027.

    Years are joined straight, which the seasons leave by 0.08 s. After the last year of the table its last value holds;
    before the first it is 0, which is off by 0.9 s at most. A tenth of a second turns a station by 50 m at most.
    """
    return np.interp(np.asarray(unix_s, dtype=np.float64), _MOMENTS_S, _UT1_MINUS_UTC_S, left=0.0)


def sidereal_angle_rad(unix_s: ArrayLike) -> NDArray[np.float64]:
    """Greenwich mean sidereal time, radians in [0, 2 pi): from TEME to the turning Earth; any shape.

    Source: Aoki et al., Astron. Astrophys. 105, 359 (1982), as SGP4's frame has it (Vallado et al., AIAA 2006-6753).
    """
    utc_s = np.asarray(unix_s, dtype=np.float64)
    t = days_since_j2000(utc_s + ut1_minus_utc_s(utc_s)) / 36525.0
    seconds = 67310.54841 + t * (876600.0 * 3600.0 + 8640184.812866 + t * (0.093104 - 6.2e-6 * t))
    turns = seconds / 86400.0
    return np.asarray((turns - np.floor(turns)) * (2.0 * np.pi))
