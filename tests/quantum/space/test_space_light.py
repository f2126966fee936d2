"""What the light of a pass meets: clouds, fading, outage, aim."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.optics.free_space.clouds import p_clear
from haris.quantum.orbit.elements import DAY_S
from haris.quantum.orbit.point_ahead import point_ahead_rad
from haris.quantum.orbit.propagation import inertial_states, states, turned
from haris.quantum.orbit.station import LIGHT_M_PER_S
from haris.quantum.orbit.time_scales import EARTH_ROTATION_RAD_PER_S, sidereal_angle_rad
from haris.quantum.space.channel import SpaceChannel
from haris.quantum.space.light import MOST_QBER, clear_probability, least_transmittance, pass_light
from haris.quantum.space.pass_key import pass_counts
from haris.quantum.space.scenario import Scenario
from haris.report.pass_light import light_report, light_table

EXAMPLE = Path(__file__).parents[3] / "examples" / "space" / "micius_xinglong_2016.toml"
AGE_S = 14.0 * DAY_S
DOWN = SpaceChannel(850e-9, 0.8, divergence_rad=20e-6, pointing_jitter_rad=2e-6)


@pytest.fixture(scope="module")
def micius():
    scenario = Scenario.read(EXAMPLE)
    return scenario.link, scenario.keys(0.0)[0]


def cloudy(link, cover):
    return replace(link, channel=replace(link.channel, cloud_cover=cover))


def test_clouds_are_a_figure_of_their_own(micius):
    link, key = micius
    shares = [clear_probability(key.slots, cloudy(link, cover)) for cover in (0.0, 0.3, 0.6, 1.0)]
    assert shares[0] == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0.0
    # Between that at the highest point and that at 1200 km, and the key is that of a clear sky.
    assert p_clear(0.3, 19.5) < shares[1] < p_clear(0.3, key.flown.max_elevation_deg)
    eta, elevation = key.slots.transmittance, key.slots.sight.elevation_deg
    assert shares[1] == pytest.approx(float((eta * 0.7 ** (1.0 / np.sin(np.radians(elevation)))).sum() / eta.sum()))
    np.testing.assert_array_equal(
        cloudy(link, 0.3).channel.transmittance(6e5, 40.0), link.channel.transmittance(6e5, 40.0)
    )


def test_fading_leaves_the_mean_key_alone(micius):
    link, key = micius
    light = pass_light(key, link, AGE_S)
    assert light.faded_bits == pytest.approx(key.secret_bits, rel=1e-4)
    assert 0.0 < light.outage < 1e-6
    shaky = replace(link, channel=replace(link.channel, pointing_jitter_rad=20e-6))
    assert pass_light(key, shaky, AGE_S).outage > 0.01


def test_below_the_least_transmittance_noise_is_above_the_limit(micius):
    # At it, the click model itself gives a QBER of 11 %.
    link, key = micius
    least = least_transmittance(key.slots, link)
    bright = replace(link.source, intensities=(0.8,), p_intensities=(1.0,))
    found = pass_counts(bright, link.detector, 0.5, link.channel.misalignment, 1.0, least, key.slots.background)
    assert found.qber[0] == pytest.approx(MOST_QBER, abs=1e-4)


def test_the_budget_is_the_transmittance(micius):
    link, key = micius
    top = pass_light(key, link, AGE_S).highest
    whole = -10.0 * np.log10(link.channel.transmittance(top.range_m, top.elevation_deg))
    assert sum(top.losses_db.values()) == pytest.approx(whole)
    assert top.elevation_deg == pytest.approx(key.flown.max_elevation_deg, abs=0.01)
    # At its nearest, it comes and goes no more; two speeds of light's worth of 7.6 km/s, less the station's turn.
    assert abs(top.doppler_hz) < 1e-3 * LIGHT_M_PER_S / 848.6e-9
    assert top.point_ahead_rad == pytest.approx(2.0 * 7.6e3 / LIGHT_M_PER_S, rel=0.03)


def test_point_ahead_beside_the_light_on_its_way(micius):
    # Where light that left the satellite before comes from, and where light meets it after, as a moving station sees.
    _, key = micius
    t, station = key.flown.rise_s + 30.0, key.flown.station
    place = turned(station.position_m[None], -sidereal_angle_rad(np.array([t])))[0]
    speed = np.cross([0.0, 0.0, EARTH_ROTATION_RAD_PER_S], place)
    way = np.zeros(2)
    for _ in range(5):
        at = inertial_states([key.flown.satellite], np.array([t - way[0], t + way[1]])).position_m[0]
        way = np.linalg.norm(at - place, axis=1) / LIGHT_M_PER_S
    seen, aim = (at - place) / np.linalg.norm(at - place, axis=1)[:, None]
    seen, aim = seen + speed / LIGHT_M_PER_S, aim - speed / LIGHT_M_PER_S
    between = np.linalg.norm(np.cross(seen, aim)) / np.linalg.norm(seen) / np.linalg.norm(aim)
    found = point_ahead_rad(station, states([key.flown.satellite], np.array([t])))[0, 0]
    assert found == pytest.approx(between, rel=1e-3)


def test_scintillation_of_a_large_aperture_is_small():
    small, large = (replace(DOWN, receiver_m=d).fading(8e5, 30.0).log_variance for d in (0.01, 0.8))
    assert large < 0.1 * small
    assert replace(DOWN, ground_cn2=0.0, wind_m_per_s=0.0).fading(8e5, 30.0).log_variance < large


def test_an_uplink_fades_more_and_its_beam_wanders():
    up = replace(DOWN, direction="uplink", waist_m=0.1)
    down, risen = DOWN.fading(8e5, 30.0), up.fading(8e5, 30.0)
    assert risen.log_variance > down.log_variance
    assert risen.square < down.square
    calm = replace(up, ground_cn2=1e-18, wind_m_per_s=0.1).fading(8e5, 30.0)
    assert calm.square > risen.square


def test_an_aperture_instead_of_a_divergence():
    ideal = SpaceChannel(850e-9, 0.8, sender_m=0.3)
    assert ideal.transmittance(8e5, 30.0) > DOWN.transmittance(8e5, 30.0)
    dark = replace(ideal, sender_obscuration=0.5)
    assert dark.transmittance(8e5, 30.0) < ideal.transmittance(8e5, 30.0)
    for wrong in ({"divergence_rad": 1e-5}, {"sender_m": None}, {"receiver_jitter_rad": 1e-6}):
        with pytest.raises(ParameterError):
            replace(ideal, **wrong)
    with pytest.raises(ParameterError, match="sender_obscuration"):
        replace(DOWN, sender_obscuration=0.3)


def test_a_receiver_that_shakes_loses_what_leaves_its_view():
    # 200,000 aims: the share within 5 deviations (false alarm 6e-7).
    shaky = replace(DOWN, view_rad=50e-6, receiver_jitter_rad=20e-6)
    rng = np.random.default_rng(2)
    inside = np.mean(np.hypot(*rng.normal(0.0, 20e-6, (2, 200_000))) < 25e-6)
    share = shaky.transmittance(8e5, 30.0) / DOWN.transmittance(8e5, 30.0)
    assert share == pytest.approx(inside, abs=5.0 * np.sqrt(0.25 / 200_000))


def test_the_report(micius):
    link, key = micius
    light = pass_light(key, link, AGE_S)
    assert light_report(light)["budget"]["losses_db"]["optics"] == pytest.approx(7.96)
    assert light_report(None) == {}
    table = light_table([light, None])
    assert "point-ahead 51." in table
    assert table.endswith("below the horizon")
