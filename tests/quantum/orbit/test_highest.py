"""The highest that an orbit can stand over a station, against what its passes reach."""

import pytest

from haris.quantum.orbit.elements import DAY_S, circular
from haris.quantum.orbit.highest import highest_elevation_deg
from haris.quantum.orbit.passes import passes
from haris.quantum.orbit.station import Station

START_S = 1774000000.0


@pytest.mark.parametrize(
    ("inclination_deg", "latitude_deg", "days"),
    [(5.0, 12.0, 8.0), (40.0, -55.0, 8.0), (120.0, 70.0, 8.0), (97.4, 90.0, 1.0), (0.0, 15.0, 1.0), (63.4, 30.0, 20.0)],
)
def test_the_highest_pass_comes_near_it_and_never_beyond(inclination_deg, latitude_deg, days):
    satellite = circular("S", START_S, 700e3, inclination_deg, 10.0, 0.0)
    station = Station("Here", latitude_deg, 20.0)
    highest = highest_elevation_deg(satellite, station)
    found = passes([satellite], station, START_S, START_S + days * DAY_S, 0.0, 400 * DAY_S)
    reached = max(each.max_elevation_deg for each in found)
    assert highest - 10.0 < reached < highest + 1.0


def test_below_the_horizon_it_is_negative():
    satellite = circular("S", START_S, 500e3, 5.0, 10.0, 0.0)
    assert highest_elevation_deg(satellite, Station("Here", 60.0, 20.0)) < -10.0
    assert highest_elevation_deg(satellite, Station("Here", 4.0, 20.0)) == pytest.approx(90.0)
