"""Passes: the Micius pass of 19 December 2016, and what holds of any orbit."""

from itertools import pairwise

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.times import read_time
from haris.quantum.orbit.elements import circular
from haris.quantum.orbit.passes import passes
from haris.quantum.orbit.propagation import states
from haris.quantum.orbit.station import Station, doppler_shift_hz, sight
from haris.quantum.orbit.tle import read_tle

MICIUS = """MICIUS
1 41731U 16051A   16353.90152003  .00000364  00000-0  17957-4 0  9993
2 41731  97.3699 267.4500 0013200 178.5836 246.0824 15.23915303 19063
"""
XINGLONG = Station("Xinglong", 40.39587, 117.57746, 890.0)


def at(text):
    return read_time("time", text) / 1e9


@pytest.fixture(scope="module")
def micius_pass():
    # Elements of space-track.org; the pass of Liao et al., Nature 549, 43 (2017).
    start = at("2016-12-19T12:00")
    (found,) = passes(read_tle(MICIUS), XINGLONG, start, start + 43200.0)
    return found


def test_the_pass_of_micius_over_xinglong(micius_pass):
    # skyfield 1.55, built-in time scale: 48:43.778 and 55:40.904 by its coarser search, 52:13.542, 47.8330, 645.371 km.
    assert abs(micius_pass.culmination_s - at("2016-12-19T16:52:14")) < 0.6
    assert round(micius_pass.max_elevation_deg, 2) == 47.83
    assert round(micius_pass.min_range_m / 1e3, 1) == 645.4
    assert abs(micius_pass.rise_s - at("2016-12-19T16:48:43.75")) < 0.05
    assert abs(micius_pass.set_s - at("2016-12-19T16:55:40.9")) < 0.05
    assert micius_pass.is_whole


def test_its_time_inside_1200_km_and_its_range_rate(micius_pass):
    times = np.linspace(micius_pass.rise_s, micius_pass.set_s, 40001)
    seen = micius_pass.sight_at(times)
    inside_s = np.count_nonzero(seen.range_m < 1.2e6) * (times[1] - times[0])
    assert abs(inside_s - 272.0) < 1.0  # published: 273 s of data
    assert abs(np.abs(seen.range_rate_m_per_s).max() - 6810.0) < 10.0


def test_range_rate_is_the_slope_of_the_range(micius_pass):
    times = micius_pass.culmination_s + np.array([-100.0, -99.9, -99.8])
    seen = micius_pass.sight_at(times)
    slope = (seen.range_m[2] - seen.range_m[0]) / (times[2] - times[0])
    assert slope == pytest.approx(seen.range_rate_m_per_s[1], abs=0.05)


def test_rise_and_set_lie_at_the_least_elevation(micius_pass):
    seen = micius_pass.sight_at(np.array([micius_pass.rise_s, micius_pass.set_s]))
    np.testing.assert_allclose(seen.elevation_deg, 10.0, atol=1e-6)


def test_a_pass_that_is_cut_says_so(micius_pass):
    (cut,) = passes(read_tle(MICIUS), XINGLONG, micius_pass.culmination_s - 30.0, micius_pass.culmination_s - 10.0)
    assert not cut.is_whole
    assert cut.rise_s == micius_pass.culmination_s - 30.0
    assert cut.set_s == micius_pass.culmination_s - 10.0


def test_a_satellite_that_never_rises_has_no_pass():
    over_the_equator = circular("low", at("2026-03-01"), 500e3, 0.0, 0.0, 0.0)
    assert passes([over_the_equator], Station("north", 78.0, 15.0), at("2026-03-01"), at("2026-03-03")) == ()


def test_one_that_stands_still_is_in_sight_all_the_time():
    start = at("2026-03-01")
    still = [circular("still", start, 35786e3, 0.0, raan, 0.0) for raan in range(0, 360, 30)]
    found = passes(still, Station("equator", 0.0, 0.0), start, start + 86400.0)
    assert found
    assert all(each.duration_s == pytest.approx(86400.0) for each in found)


def test_two_highest_points_make_one_pass():
    # A geosynchronous orbit tilted by 20 degrees rises and falls twice a day over a station on the equator.
    start = at("2026-03-01")
    tilted = [circular("tilted", start, 35786e3, 20.0, raan, 0.0) for raan in range(0, 360, 30)]
    found = passes(tilted, Station("equator", 0.0, 0.0), start, start + 86400.0)
    longest = max(found, key=lambda each: each.duration_s)
    assert longest.duration_s == pytest.approx(86400.0)
    assert all(a.satellite != b.satellite or a.set_s < b.rise_s for a, b in pairwise(found))


def test_passes_agree_with_a_fine_sampling():
    start = at("2026-03-01")
    low = circular("low", start, 500e3, 97.4, 30.0, 10.0)
    station = Station("there", 52.0, 13.0, 50.0)
    found = passes([low], station, start, start + 2 * 86400.0, 5.0)
    times = np.arange(start, start + 2 * 86400.0, 2.0)
    above = sight(station, states([low], times)).elevation_deg[0] >= 5.0
    within = np.zeros(times.shape, dtype=bool)
    for each in found:
        within |= (times >= each.rise_s) & (times <= each.set_s)
    np.testing.assert_array_equal(above, within)
    assert len(found) > 5


def test_stale_elements_are_refused():
    start = at("2017-02-01")
    with pytest.raises(ParameterError, match="days from the time"):
        passes(read_tle(MICIUS), XINGLONG, start, start + 3600.0)


@pytest.mark.parametrize(("start", "stop", "least"), [(10.0, 10.0, 10.0), (0.0, np.nan, 10.0), (0.0, 1.0, 90.0)])
def test_a_search_without_sense_is_refused(start, stop, least):
    with pytest.raises(ParameterError):
        passes([], XINGLONG, start, stop, least)


@pytest.mark.parametrize("place", [(91.0, 0.0, 0.0), (0.0, -181.0, 0.0), (0.0, 0.0, -500.0), (0.0, 0.0, 1e4)])
def test_a_station_off_the_ground_is_refused(place):
    with pytest.raises(ParameterError):
        Station("nowhere", *place)


def test_a_station_whose_name_a_terminal_obeys_is_refused():
    with pytest.raises(ParameterError, match="name must be of printed"):
        Station("\033[2J", 0.0, 0.0)


def test_what_comes_nearer_is_higher_in_frequency():
    # 850 nm at 6.81 km/s: 8.01 GHz.
    assert doppler_shift_hz(-6810.0, 299792458.0 / 850e-9) == pytest.approx(8.0118e9, rel=1e-4)
