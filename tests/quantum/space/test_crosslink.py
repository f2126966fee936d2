"""Keys between two satellites."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haris.cli.main import main
from haris.nouns.document import parse_document
from haris.nouns.errors import ParameterError
from haris.quantum.orbit.mutual_sight import between
from haris.quantum.space.crosslink import crosslink_key, sun_angle_rad
from haris.quantum.space.scenario import Scenario, scenario_of

EXAMPLE = Path(__file__).parents[3] / "examples" / "space" / "crosslink_500km.toml"


@pytest.fixture(scope="module")
def scenario():
    whole = Scenario.read(EXAMPLE)
    return replace(whole, search=replace(whole.search, days=0.05))


def changed(scenario, **changes):
    link = replace(scenario.link, channel=replace(scenario.link.channel, **changes))
    return replace(scenario, link=link).crosslinks(0.0)[0]


def test_each_window_gives_a_key(scenario):
    keys = scenario.crosslinks(0.0)
    assert len(keys) == 2
    for each in keys:
        assert each.secret_bits > 0
        assert each.reason == ""
        assert each.seen.grazing_m.min() > 100e3
        assert each.seen.range_m.max() <= 2500e3
    assert scenario.keys(0.0) == ()


def test_the_light_of_two_bare_telescopes(scenario):
    # Friis: A_t A_r / (lambda L)^2, of a sender lit evenly; a Gaussian beam cut at its best has 0.8145 of it (Klein,
    # Degnan), over the 0.9186 that leaves: 0.886.
    channel = replace(
        scenario.link.channel,
        sender_obscuration=0.0,
        receiver_obscuration=0.0,
        pointing_jitter_rad=0.0,
        receiver_jitter_rad=0.0,
        optics_db=0.0,
    )
    area = np.pi**2 / 16.0 * 0.15**2 * 0.3**2
    friis = area / (810e-9 * 4e6) ** 2
    assert channel.transmittance(4e6, 0.0) == pytest.approx(0.886 * friis, rel=5e-3)
    # Whatever the elevation: there is no air.
    assert channel.transmittance(4e6, -20.0) == channel.transmittance(4e6, 90.0)
    assert channel.fading(4e6, -20.0).quantile(0.01) == pytest.approx(1.0)


def test_key_grows_with_apertures_and_falls_with_shaking(scenario):
    for name, values in {
        "receiver_m": (0.1, 0.2, 0.3),
        "sender_m": (0.05, 0.1, 0.15),
        "pointing_jitter_rad": (1e-5, 3e-6, 0.0),
        "receiver_jitter_rad": (3e-5, 1e-5, 0.0),
    }.items():
        bits = [changed(scenario, **{name: value}).secret_bits for value in values]
        assert bits == sorted(bits), name
        assert bits[0] < bits[-1]


def test_a_receiver_that_would_look_into_the_sun(scenario):
    key = changed(scenario, sun_keep_out_deg=180.0)
    assert key.secret_bits == 0
    assert key.reason == "the receiver would look into the Sun"
    part = changed(scenario, sun_keep_out_deg=60.0)
    whole = changed(scenario, sun_keep_out_deg=0.0)
    assert whole.is_open.all()
    assert part.sifted_bits <= whole.sifted_bits
    assert changed(scenario, optics_db=400.0).reason
    assert changed(scenario, optics_db=45.0).reason


def test_the_sun_stands_where_it_does(scenario):
    # As the receiver sees both: the angle to the sender and that away from it make half a turn.
    sender, receiver = scenario.elements
    times = np.array([1773964800.0 + 3000.0])
    there, back = (between(a, b, times) for a, b in ((sender, receiver), (receiver, sender)))
    assert sun_angle_rad(there, times) + sun_angle_rad(back, times) == pytest.approx(np.pi, abs=1e-3)


def test_a_window_is_one_block(scenario):
    (first, _) = scenario.crosslinks(0.0)
    again = crosslink_key(first.window, scenario.link, 14 * 86400.0)
    assert again.secret_bits == first.secret_bits
    assert again.counts.n_pulses == pytest.approx(first.window.duration_s * 1e8)


def test_other_protocols_cross_as_well(scenario):
    # With the same light and bases, six states leave a third for each of three bases, and less key.
    six = replace(scenario.link, protocol=replace(scenario.link.protocol, name="six-state"))
    keys = [each.secret_bits for each in replace(scenario, link=six).crosslinks(0.0)]
    for fewer, more in zip(keys, (each.secret_bits for each in scenario.crosslinks(0.0)), strict=True):
        assert 0 < fewer < more


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"two_planes_500km.json"', '"sun_synchronous_500km.json"', "needs two satellites"),
        (
            "[search]",
            '[[station]]\nname = "x"\nlatitude_deg = 0\nlongitude_deg = 0\n[search]',
            "no \\[\\[station\\]\\]",
        ),
        ("misalignment", "visibility_m = 1e4\nmisalignment", "passes none"),
        ("sun_keep_out_deg = 20.0", "sun_keep_out_deg = 200.0", "sun_keep_out_deg"),
        ("least_grazing_m = 100e3", "least_grazing_m = -1.0", "least_grazing_m"),
    ],
)
def test_what_is_wrong_in_the_file(old, new, words):
    text = EXAMPLE.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new).replace('elements = "', f'elements = "{EXAMPLE.parent}/')
    with pytest.raises(ParameterError, match=words):
        scenario_of(parse_document(text, "PASS.toml"))


def test_the_command(capsys):
    assert main(["pass", str(EXAMPLE), "--days", "0.03"]) == 0
    assert "PLANE-1       PLANE-2  2026-03-20 00:00:56" in capsys.readouterr().out
    assert main(["pass", str(EXAMPLE), "--days", "0.03", "--json"]) == 0
    (window,) = json.loads(capsys.readouterr().out)
    assert window["receiver"] == "PLANE-2"
    assert window["whole"] is False
    assert 0.0 < window["point_ahead_rad"] < 1e-4
    assert main(["pass", str(EXAMPLE), "--start", "2026-03-20T00:45", "--days", "0.001"]) == 0
    assert capsys.readouterr().out.startswith("no window")
