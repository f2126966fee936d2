"""SGP4's frame, the Sun, and constellations."""

from dataclasses import replace

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.times import read_time
from haris.quantum.orbit.elements import circular
from haris.quantum.orbit.point_ahead import point_ahead_rad
from haris.quantum.orbit.propagation import States, inertial_states, states
from haris.quantum.orbit.station import Station, sight
from haris.quantum.orbit.sun import is_sunlit, sun_elevation_deg, sun_position_m
from haris.quantum.orbit.time_scales import sidereal_angle_rad, ut1_minus_utc_s
from haris.quantum.orbit.tle import read_tle

VANGUARD = """1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753
2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667
"""


def at(text):
    return read_time("time", text) / 1e9


def test_sgp4_as_its_verification_set_has_it():
    # Vallado, Crawford, Hujsak, Kelso, AIAA 2006-6753, tcppver.out: satellite 5 at 0 and 360 minutes.
    (elements,) = read_tle(VANGUARD)
    found = inertial_states([elements], elements.epoch_s + np.array([0.0, 21600.0]))
    km = [[7022.46529266, -1400.08296755, 0.03995155], [-7154.03120202, -3783.17682504, -3536.19412294]]
    np.testing.assert_allclose(found.position_m[0] / 1e3, km, atol=2e-4)  # the epoch is known to 1e-8 of a day
    np.testing.assert_allclose(found.velocity_m_per_s[0, 0] / 1e3, [1.893841015, 6.405893759, 4.534807250], atol=1e-6)


def test_the_earth_turns_as_the_almanac_says():
    # skyfield 1.55 with its built-in time scale: Greenwich mean sidereal time of 2016-12-19 16:50 UTC.
    assert np.degrees(sidereal_angle_rad(at("2016-12-19T16:50"))) == pytest.approx(341.2141925952, abs=1e-4)
    assert ut1_minus_utc_s(at("2016-12-19")) == pytest.approx(-0.3953, abs=0.01)
    assert ut1_minus_utc_s(at("2024-01-01")) == pytest.approx(0.0088, abs=0.001)
    # The leap second of 2016 ends at midnight.
    assert ut1_minus_utc_s(at("2016-12-31T23:59:59")) == pytest.approx(-0.409, abs=0.01)
    assert ut1_minus_utc_s(at("2017-01-01")) == pytest.approx(0.591, abs=0.01)
    # IERS' finals2000A of November 2026, halves of years, where straight lines are worst.
    known = {
        "2017-07-01": 0.3595,
        "2019-07-01": -0.1742,
        "2020-07-01": -0.2401,
        "2025-07-01": 0.0434,
        "2026-09-28": -0.0193,
    }
    for day, ut1_s in known.items():
        assert ut1_minus_utc_s(at(day)) == pytest.approx(ut1_s, abs=0.1)


def test_velocity_is_the_slope_of_the_position():
    (elements,) = read_tle(VANGUARD)
    times = elements.epoch_s + np.array([99.0, 100.0, 101.0])
    found = states([elements], times)
    slope = (found.position_m[0, 2] - found.position_m[0, 0]) / 2.0
    np.testing.assert_allclose(
        slope, found.velocity_m_per_s[0, 1], atol=1.5
    )  # SGP4 leaves short periods out of its velocity


def test_a_station_sees_what_stands_above_it():
    station = Station("here", 40.0, 116.0, 100.0)
    up = States(station.position_m + 5e5 * station.axes[2], np.zeros(3))
    assert sight(station, up).elevation_deg == pytest.approx(90.0)
    assert sight(station, up).range_m == pytest.approx(5e5)
    east = States(station.position_m + 1e5 * (station.axes[0] + station.axes[2]), np.zeros(3))
    assert sight(station, east).azimuth_deg == pytest.approx(90.0)
    assert sight(station, east).elevation_deg == pytest.approx(45.0)


def test_the_sun_at_noon_of_the_equinox_and_at_midnight():
    # The March equinox of 2026 is on the 20th at 14:46 UTC, and the equation of time -7.4 minutes.
    equator = Station("equator", 0.0, 0.0)
    assert sun_elevation_deg(equator, at("2026-03-20T12:07:24"))[0] == pytest.approx(90.0, abs=0.1)
    assert sun_elevation_deg(equator, at("2026-03-20T00:07:24"))[0] < -89.0
    # Solstice of 21 June 2026, 08:25 UTC: the greatest declination is 23.436 degrees.
    pole = Station("pole", 90.0, 0.0)
    assert sun_elevation_deg(pole, at("2026-06-21T08:25"))[0] == pytest.approx(23.436, abs=0.02)


def test_a_satellite_behind_the_earth_is_dark():
    noon = at("2026-03-20T12:00")
    towards = sun_position_m(noon)[0]
    towards = towards / np.linalg.norm(towards)
    across = np.cross(towards, [0.0, 0.0, 1.0])
    for position, lit in [(towards * 7e6, True), (-towards * 7e6, False), (across * 7e6, True)]:
        assert is_sunlit(position[None, :], noon)[0] == lit
    # The Sun's disc is 0.267 degrees in radius: the satellite is dark once all of it is below the limb.
    limb = np.arcsin(6378137.0 / 7e6)
    for below_deg, lit in [(-0.4, True), (0.2, True), (0.33, False)]:
        angle = limb - np.radians(below_deg)
        position = 7e6 * (np.sin(angle) * across / np.linalg.norm(across) - np.cos(angle) * towards)
        assert is_sunlit(position[None, :], noon)[0] == lit


def test_point_ahead_of_one_that_stands_still_in_the_sky():
    # Both turn with the Earth: 2 omega d / c, and 35786 km are 17.4 microradians.
    station = Station("equator", 0.0, 40.0)
    above = States(42164e3 * station.axes[2:], np.zeros((1, 3)))
    assert point_ahead_rad(station, above)[0] == pytest.approx(17.41e-6, rel=1e-3)


def test_a_circular_orbit_is_as_high_as_asked_for():
    start = at("2026-03-01")
    found = inertial_states([circular("a", start, 500e3, 97.4, 0.0, 0.0)], start + np.arange(0.0, 5700.0, 60.0))
    heights = np.linalg.norm(found.position_m[0], axis=-1) - 6378135.0
    assert abs(heights.mean() - 500e3) < 10e3


def test_one_that_falls_is_told():
    start = at("2026-03-01")
    low = circular("low", start, 110e3, 50.0, 0.0, 0.0)
    falling = replace(low, bstar_per_radius=0.5)
    with pytest.raises(ParameterError, match="low cannot be propagated"):
        inertial_states([falling], start + np.arange(0.0, 10 * 86400.0, 3600.0))
