"""Keys on arrays beside the key of each pass by itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haris.quantum.orbit.elements import DAY_S, Elements, circular
from haris.quantum.orbit.many_passes import many_passes
from haris.quantum.orbit.station import Station
from haris.quantum.orbit.sun import sun_elevation_deg
from haris.quantum.orbit.walker import Walker
from haris.quantum.space.many_keys import _sun_elevation_deg, many_keys
from haris.quantum.space.pass_key import pass_key
from haris.quantum.space.scenario import Scenario

EXAMPLES = Path(__file__).parents[3] / "examples" / "space"
START_S = 1774000000.0
STATIONS = (Station("Ottawa", 45.42, -75.70, 70.0), Station("Quito", -0.18, -78.47, 2850.0), Station("Bar", 42.1, 19.1))
MICROSATELLITE = Scenario.read(EXAMPLES / "jinan1_like.toml").link
UPLINK = Scenario.read(EXAMPLES / "qeyssat_like.toml").link


def close(found, link, slot_s=5.0):
    """Every pass by itself; how many have a key."""
    ours = many_keys(found, link)
    slots_s = replace(link, protocol=replace(link.protocol, slot_s=slot_s))
    with_key = 0
    for i in range(len(found)):
        one = pass_key(found.single(i), slots_s, 14.0 * DAY_S)
        assert ours.secret_bits[i] == pytest.approx(one.secret_bits, rel=5e-3, abs=5e-5 * one.sifted_bits + 1.0)
        if np.isnan(ours.qber[i]):
            assert one.secret_bits == 0
            assert one.qber > 0.05
        else:
            assert ours.sifted_bits[i] == pytest.approx(one.sifted_bits, rel=5e-3)
            assert ours.qber[i] == pytest.approx(one.qber, rel=5e-3)
        with_key += one.secret_bits > 0
    return with_key, int(np.isnan(ours.qber).sum())


@pytest.mark.parametrize("link", [MICROSATELLITE, UPLINK])
def test_low_orbits_give_the_keys_of_each_pass(link):
    satellites = Walker(2, 2, 1, 500e3, 97.4).elements(START_S, 20.0)
    found = many_passes(satellites, STATIONS, START_S, START_S + 1.5 * DAY_S, 15.0)
    with_key, dead = close(found, link)
    assert with_key >= 2
    assert dead >= 2


def test_long_passes_are_summed_in_parts():
    high = Elements("high", 0, START_S, 4.0, 0.3, 63.4, 40.0, 270.0, 10.0)
    found = many_passes([high], STATIONS, START_S, START_S + 2.0 * DAY_S, 20.0)
    assert np.max(found.set_s - found.rise_s) > 3600.0
    dark = replace(MICROSATELLITE.channel, receiver_m=1.0, divergence_rad=5e-6, view_rad=0.0)
    quiet = replace(MICROSATELLITE.detector, p_dark=1e-9)
    with_key, _ = close(found, replace(MICROSATELLITE, channel=dark, detector=quiet))
    assert with_key >= 1


def test_keys_of_twilight_and_from_the_horizon_on_are_those_of_each_pass():
    # Noise that grows e-fold in a degree, and light so strong that some key is left: the length hangs on each percent.
    strong = replace(MICROSATELLITE.channel, receiver_m=2.0, divergence_rad=3e-6)
    satellite = circular("dawn", START_S, 1200e3, 97.4, 100.0, 0.0)
    found = many_passes([satellite], STATIONS[:1], START_S, START_S + 4.0 * DAY_S, 0.0)
    with_key, _ = close(found, replace(MICROSATELLITE, channel=strong), slot_s=0.5)
    assert with_key >= 3


def test_the_sun_is_where_it_is_over_each_station():
    moments = START_S + np.arange(6) * 0.37 * DAY_S
    times = moments[:, None] + np.array([-450.0, 0.0, 450.0])
    up = np.array([STATIONS[0].axes[2]] * 6)
    exact = [sun_elevation_deg(STATIONS[0], each) for each in times]
    np.testing.assert_allclose(_sun_elevation_deg(moments, times, up), exact, atol=3e-4)  # parallax: 0.0024 degrees


def test_a_pass_below_what_the_channel_knows_gives_nothing():
    found = many_passes(
        [circular("low", START_S, 500e3, 97.4, 20.0, 0.0)], STATIONS, START_S, START_S + 3.0 * DAY_S, -5.0
    )
    under = found.taken(found.max_elevation_deg < 0.1)
    assert len(under) > 0
    keys = many_keys(under, MICROSATELLITE)
    assert not keys.secret_bits.any()
    assert np.nansum(keys.sifted_bits) == 0.0


def test_passes_come_out_in_their_order():
    satellites = Walker(2, 2, 1, 500e3, 97.4).elements(START_S, 20.0)
    found = many_passes(satellites, STATIONS, START_S, START_S + 2.0 * DAY_S, 15.0)
    turned = np.arange(len(found))[::-1]
    np.testing.assert_array_equal(
        many_keys(found.taken(turned), MICROSATELLITE).secret_bits, many_keys(found, MICROSATELLITE).secret_bits[turned]
    )
    assert many_keys(found.taken(turned[:0]), MICROSATELLITE).secret_bits.size == 0
