"""Windows of mutual sight, beside closed forms of circular orbits and a walk second by second."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import EARTH_RADIUS_M, circular
from haris.quantum.orbit.mutual_sight import between, windows
from haris.quantum.orbit.station import WGS84_RADIUS_M

T0 = 1.7e9
AXIS_M = EARTH_RADIUS_M + 700e3


def orbit(phase_deg, inclination_deg=0.0, raan_deg=0.0):
    return circular(f"{phase_deg:g}", T0, 700e3, inclination_deg, raan_deg, phase_deg)


@pytest.mark.parametrize("apart_deg", [5.0, 30.0, 40.0, 55.0, 120.0])
def test_two_on_one_circle(apart_deg):
    # The chord is 2 a sin(phi/2) long and passes a cos(phi/2) from the centre; SGP4's oblate Earth moves both by 0.2 %.
    seen = between(orbit(0.0), orbit(apart_deg), np.array([T0, T0 + 3000.0]))
    half = np.radians(apart_deg / 2.0)
    np.testing.assert_allclose(seen.range_m, 2.0 * AXIS_M * np.sin(half), rtol=3e-3)
    np.testing.assert_allclose(seen.grazing_m, AXIS_M * np.cos(half) - WGS84_RADIUS_M, atol=20e3)
    # A line that meets the Earth is no sight, and one that does not is one for good.
    found = windows(orbit(0.0), orbit(apart_deg), T0, T0 + 86400.0, 100e3)
    if apart_deg > 50.0:
        assert found == ()
    else:
        (window,) = found
        assert (window.start_s, window.stop_s, window.is_whole) == (T0, T0 + 86400.0, False)


def test_two_that_meet_head_on():
    # On one circle, in opposite senses: sight for 2 acos((R + h)/a) / n, twice a turn.
    back = orbit(90.0, inclination_deg=180.0)
    found = windows(orbit(0.0), back, T0, T0 + 86400.0, 100e3)
    per_s = np.sqrt(3.986004418e14 / AXIS_M**3)
    length_s = 2.0 * np.arccos((WGS84_RADIUS_M + 100e3) / AXIS_M) / per_s
    whole = [each for each in found if each.is_whole]
    assert len(found) == pytest.approx(86400.0 * per_s / np.pi, abs=1.0)
    for each in whole:
        assert each.duration_s == pytest.approx(length_s, rel=0.01)
        assert each.min_range_m < 20e3
        assert each.start_s < each.nearest_s < each.stop_s


def test_a_short_loss_of_sight_parts_two_windows():
    # Two crossing orbits whose line of sight dips to its lowest, and what is asked lies 30 m above that.
    one, other = orbit(0.0), orbit(50.0, inclination_deg=20.0)
    times = np.arange(T0, T0 + 9000.0, 0.5)
    grazing = between(one, other, times).grazing_m
    low = 1 + np.nonzero((grazing[1:-1] < grazing[:-2]) & (grazing[1:-1] < grazing[2:]))[0]
    assert low.size
    for i in low:
        least_m = float(grazing[i]) + 30.0
        seen = [each for each in windows(one, other, T0, T0 + 9000.0, least_m) if each.start_s < times[i] < each.stop_s]
        assert not seen


@pytest.mark.parametrize("seed", range(3))
def test_beside_a_walk_second_by_second(seed):
    rng = np.random.default_rng(seed)
    one, other = (orbit(*rng.uniform(0.0, 360.0, 1), rng.uniform(0.0, 180.0), rng.uniform(0.0, 360.0)) for _ in "ab")
    times = np.arange(T0, T0 + 40_000.0)
    seen = between(one, other, times)
    sees = (seen.grazing_m >= 50e3) & (seen.range_m <= 3e6)
    found = windows(one, other, T0, T0 + 40_000.0, 50e3, 3e6)
    inside = np.zeros(times.size, dtype=bool)
    for each in found:
        inside |= (times >= each.start_s) & (times <= each.stop_s)
        assert each.min_range_m <= seen.range_m[(times >= each.start_s) & (times <= each.stop_s)].min(initial=3e6) + 1.0
    np.testing.assert_array_equal(inside, sees)


def test_the_rate_of_the_range_is_its_change():
    one, other = orbit(0.0, 60.0), orbit(20.0, 80.0, 30.0)
    seen = between(one, other, np.array([T0 + 99.5, T0 + 100.0, T0 + 100.5]))
    assert seen.range_m[2] - seen.range_m[0] == pytest.approx(seen.range_rate_m_per_s[1], rel=1e-5)


def test_a_search_that_is_none():
    with pytest.raises(ParameterError, match="end after"):
        windows(orbit(0.0), orbit(1.0), T0, T0, 100e3)
    with pytest.raises(ParameterError, match="in parts"):
        windows(orbit(0.0), orbit(1.0), T0, T0 + 1e9, 100e3)
