"""The search on arrays beside the search of one satellite and one station, pass by pass."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import DAY_S, Elements, circular
from haris.quantum.orbit.many_passes import many_passes
from haris.quantum.orbit.passes import passes
from haris.quantum.orbit.propagation import states
from haris.quantum.orbit.station import Station
from haris.quantum.orbit.track import acceleration_m_per_s2, quintic, step_s
from haris.quantum.orbit.walker import Walker

START_S = 1774000000.0
STATIONS = (
    Station("Ottawa", 45.42, -75.70, 70.0),
    Station("Quito", -0.18, -78.47, 2850.0),
    Station("Tromso", 69.65, 18.96, 10.0),
    Station("Pole", 90.0, 0.0, 0.0),
    Station("Hobart", -42.88, 147.33, 50.0),
)


def columns(found):
    order = np.lexsort([found.rise_s, found.station, found.satellite])
    names = ["satellite", "station", "rise_s", "culmination_s", "set_s", "max_elevation_deg", "is_whole"]
    return np.stack([getattr(found, name)[order] for name in names], axis=1).astype(float)


def one_by_one(satellites, days, least_deg):
    rows = [
        (i, k, p.rise_s, p.culmination_s, p.set_s, p.max_elevation_deg, p.is_whole)
        for i, satellite in enumerate(satellites)
        for k, station in enumerate(STATIONS)
        for p in passes([satellite], station, START_S, START_S + days * DAY_S, least_deg)
    ]
    return np.array(sorted(rows), dtype=float)


def elliptic(revolutions, eccentricity, inclination_deg):
    return Elements("elliptic", 0, START_S, revolutions, eccentricity, inclination_deg, 40.0, 270.0, 10.0)


@pytest.mark.parametrize(
    ("satellites", "days", "least_deg"),
    [
        (Walker(4, 2, 1, 500e3, 97.4).elements(START_S), 1.5, 10.0),
        ([circular("low", START_S, 250e3, 51.6, 10.0, 20.0)], 3.0, 0.0),
        ([circular("high", START_S, 1200e3, 88.0, 10.0, 20.0)], 3.0, 60.0),
        ([circular("navigation", START_S, 20200e3, 55.0, 10.0, 20.0)], 4.0, 15.0),
        ([elliptic(2.006, 0.72, 63.4)], 4.0, 10.0),
        ([elliptic(12.0, 0.15, 97.0)], 4.0, -5.0),
        ([circular("still", START_S, 35786e3, 5.0, 10.0, 20.0)], 3.0, 8.0),
        ([elliptic(1.0 / 13.7, 0.55, 37.0)], 13.0, 10.0),  # slower than the Earth turns
        ([elliptic(0.03, 0.3, 37.0)], 13.0, 10.0),
    ],
)
def test_every_pass_is_that_of_the_exact_search(satellites, days, least_deg):
    found = many_passes(satellites, STATIONS, START_S, START_S + days * DAY_S, least_deg)
    exact = one_by_one(satellites, days, least_deg)
    ours = columns(found)
    assert ours.shape == exact.shape
    assert len(found) > 0
    np.testing.assert_array_equal(ours[:, [0, 1, 6]], exact[:, [0, 1, 6]])
    low, slow = satellites[0].period_s < 7000.0, satellites[0].period_s > 80000.0
    far = satellites[0].period_s > 5 * DAY_S  # where SGP4's velocities are no slopes of its positions
    np.testing.assert_allclose(ours[:, [2, 4]], exact[:, [2, 4]], atol=15.0 if far else 0.5 if slow else 0.05, rtol=0)
    flat_s = 0.05 if low else 900.0 if far else 2.0  # the top of a high orbit's pass
    np.testing.assert_allclose(ours[:, 3], exact[:, 3], atol=flat_s, rtol=0)
    np.testing.assert_allclose(ours[:, 5], exact[:, 5], atol=1e-4 if low else 0.02 if far else 1e-3, rtol=0)


def test_curve_between_two_looks_is_within_two_metres():
    satellite = circular("low", START_S, 300e3, 97.0, 10.0, 20.0)
    step = step_s(satellite)
    seen = states([satellite], START_S + step * np.arange(60.0))
    p, v = seen.position_m[0].T, seen.velocity_m_per_s[0].T
    a = acceleration_m_per_s2(p, v)
    c = quintic([each[:, :-1] for each in (p, v, a)], [each[:, 1:] for each in (p, v, a)], step)
    for share in (0.25, 0.5, 0.8):
        there = states([satellite], START_S + step * (np.arange(59.0) + share)).position_m[0].T
        ours = sum(each * share**k for k, each in enumerate(c))
        assert np.linalg.norm(ours - there, axis=0).max() < 2.0


def test_passes_come_by_rise_and_can_be_chosen_and_made_exact():
    found = many_passes(Walker(4, 2, 1, 500e3, 97.4).elements(START_S), STATIONS, START_S, START_S + DAY_S, 20.0)
    assert np.all(np.diff(found.rise_s) >= 0)
    high = found.taken(found.max_elevation_deg > 45.0)
    assert 0 < len(high) < len(found)
    one = high.exact(1)
    assert one.rise_s == pytest.approx(high.rise_s[1], abs=0.05)
    assert one.min_range_m == pytest.approx(high.range_m[1], rel=1e-3)
    assert one.station is STATIONS[high.station[1]]


def test_nothing_rises_over_no_station_and_too_low_a_satellite():
    equatorial = circular("equator", START_S, 500e3, 0.0, 0.0, 0.0)
    assert len(many_passes([equatorial], STATIONS[2:3], START_S, START_S + DAY_S)) == 0
    assert len(many_passes([equatorial], (), START_S, START_S + DAY_S)) == 0
    assert len(many_passes([], STATIONS, START_S, START_S + DAY_S)) == 0


def test_a_year_has_to_be_asked_for():
    satellite = circular("low", START_S, 500e3, 97.0, 10.0, 20.0)
    with pytest.raises(ParameterError, match="at most 14 are believed"):
        many_passes([satellite], STATIONS, START_S, START_S + 365 * DAY_S)
    with pytest.raises(ParameterError, match="must end after"):
        many_passes([satellite], STATIONS, START_S, START_S)
    with pytest.raises(ParameterError, match="least_elevation_deg"):
        many_passes([satellite], STATIONS, START_S, START_S + DAY_S, 90.0)
    with pytest.raises(ParameterError, match="in parts"):
        many_passes([satellite], STATIONS, START_S, START_S + 1e7 * DAY_S, 10.0, 1e13)


def test_an_independent_search_finds_the_same():
    """Seconds after START_S and degrees, by EarthSatellite.find_events of skyfield 1.55.

    It has polar motion and another table of the Earth's rotation, and stops some tenths of a second from the root.
    """
    printed = [
        (23250.953, 23462.144, 23675.262, 45.73682),
        (28993.858, 29102.910, 29212.505, 13.18404),
        (70082.634, 70296.922, 70509.385, 45.74805),
        (75777.285, 75899.529, 76021.325, 14.34996),
        (108500.207, 108689.310, 108879.498, 27.39186),
        (114140.634, 114314.088, 114488.831, 21.65363),
    ]
    satellite = Walker(3, 3, 1, 500e3, 97.4).elements(START_S)[0]
    found = many_passes([satellite], STATIONS[:1], START_S, START_S + 1.5 * DAY_S, 10.0)
    ours = np.stack([found.rise_s, found.culmination_s, found.set_s], axis=1) - START_S
    np.testing.assert_allclose(ours, np.array(printed)[:, :3], atol=0.3, rtol=0)
    np.testing.assert_allclose(found.max_elevation_deg, np.array(printed)[:, 3], atol=0.003, rtol=0)


def test_random_orbits_stations_and_spans_agree_with_the_exact_search():
    rng = np.random.default_rng(20261128)
    compared = 0
    for _ in range(30):
        numbers = (rng.uniform(11.0, 15.5), 0.0, rng.uniform(0.0, 180.0), *rng.uniform(0.0, 360.0, 3))
        satellite = Elements("random", 0, START_S, *map(float, numbers))
        station = Station("random", float(rng.uniform(-90, 90)), float(rng.uniform(-180, 180)), 500.0)
        start_s, least_deg = START_S + float(rng.uniform(0.0, DAY_S)), float(rng.choice([-3.0, 0.0, 10.0, 45.0]))
        stop_s = start_s + float(10.0 ** rng.uniform(2.0, 5.0))
        exact = passes([satellite], station, start_s, stop_s, least_deg)
        ours = many_passes([satellite], [station], start_s, stop_s, least_deg)
        assert ours.is_whole.tolist() == [each.is_whole for each in exact]
        np.testing.assert_allclose(ours.rise_s, [each.rise_s for each in exact], atol=0.05, rtol=0)
        np.testing.assert_allclose(ours.set_s, [each.set_s for each in exact], atol=0.05, rtol=0)
        compared += len(exact)
    assert compared > 10
