"""Every number of every table of a PASS.toml, spoiled: one sentence with its line, or a key that is a number."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from haris.nouns.document import parse_document
from haris.nouns.errors import ParameterError
from haris.quantum.orbit.passes import Pass
from haris.quantum.space.classical import ClassicalLink, Line
from haris.quantum.space.light import pass_light
from haris.quantum.space.pass_key import pass_key
from haris.quantum.space.pass_link import PassProtocol
from haris.quantum.space.scenario import scenario_of
from haris.report.passes import pass_report

FOLDER = Path(__file__).parents[3] / "examples" / "space"
TEXT = """[satellite]
elements = "sun_synchronous_500km.json"
most_age_days = 14.0
[[station]]
name = "Munich"
latitude_deg = 48.15
longitude_deg = 11.57
height_m = 520.0
[[weather]]
station = "Munich"
cloud_cover = [0.7, 0.7, 0.6, 0.6, 0.6, 0.6, 0.5, 0.5, 0.6, 0.6, 0.7, 0.7]
[handover]
turn_s = 60.0
store_bits = 50e6
[search]
start = "2026-03-20T00:00:00Z"
days = 1.0
least_elevation_deg = 20.0
least_grazing_m = 100e3
most_range_m = 2e6
[motion]
began = "2026-03-20T00:00:00Z"
factor = 2.0
[source]
clock_hz = 200e6
intensities = [0.6, 0.15, 0.0]
p_intensities = [0.5, 0.25, 0.25]
[channel]
direction = "uplink"
wavelength_m = 850e-9
divergence_rad = 20e-6
pointing_jitter_rad = 3e-6
receiver_jitter_rad = 3e-6
receiver_m = 0.8
sender_obscuration = 0.0
receiver_obscuration = 0.3
waist_m = 0.05
optics_db = 5.0
visibility_m = 20e3
cloud_cover = 0.3
misalignment = 0.008
view_rad = 100e-6
filter_m = 3e-9
night_radiance = 15.0
day_radiance = 1.5e6
sun_keep_out_deg = 15.0
wind_m_per_s = 21.0
ground_cn2 = 1.7e-14
[detector]
efficiency = 0.5
p_dark = 1e-7
gate_s = 1e-9
dead_time_s = 1e-8
p_afterpulse = 0.01
afterpulse_time_s = 1e-8
jitter_s = 200e-12
[protocol]
p_key_basis = 0.7
slot_s = 20.0
[security]
f_ec = 1.2
epsilon_secrecy = 1e-9
epsilon_correctness = 1e-15
[classical]
down_bps = 10e6
up_bps = 1e6
processing_s = 0.01
up_s = 60.0
break_s = 5.0
"""
LINES = TEXT.splitlines()
NUMBERS = [i for i, line in enumerate(LINES) if re.search(r"= \[?[\d-]", line)]


def of(lines):
    return scenario_of(parse_document("\n".join(lines), "PASS.toml", FOLDER))


def attempt(lines):
    """The scenario, or what is told instead."""
    try:
        return of(lines), ""
    except ParameterError as error:
        return None, str(error)


@pytest.fixture(scope="module")
def flown():
    return max(of(LINES).keys(0.0), key=lambda each: each.secret_bits).flown


def holds(link, flown):
    """What is accepted gives numbers, and what is printed of it can be printed."""
    key = pass_key(flown, link, np.inf)
    light = pass_light(key, link, np.inf)
    told = json.dumps(pass_report(key, 1.0))
    assert "NaN" not in told
    assert "Infinity" not in told
    assert key.secret_bits >= 0
    assert light is None or all(np.isfinite(loss) for loss in light.highest.losses_db.values())


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "-1.0", "0", "1e-300", "1e29", "1e308", '"x"', "true"])
def test_each_number_spoiled(bad, flown):
    assert len(NUMBERS) == 51
    for i in NUMBERS:
        name, value = LINES[i].split(" = ")
        spoiled = f"[{bad}, {value[1:].split(', ', 1)[1]}" if value.startswith("[") else bad
        table = max(j for j in range(i) if LINES[j].startswith("["))
        scenario, told = attempt([*LINES[:i], f"{name} = {spoiled}", *LINES[i + 1 :]])
        if scenario is None:
            at = re.fullmatch(r"PASS\.toml:(\d+): (.+)", told)
            assert at, told
            # A value that is right by itself may be at odds with another, whose line is then told.
            assert int(at[1]) in (i + 1, table + 1) or name in at[2] or "clock" in at[2], (name, told)
            continue
        assert bad not in ("nan", "-inf", "1e308", '"x"', "true"), name
        assert bad != "inf" or name == "visibility_m"
        if LINES[table] in ("[source]", "[channel]", "[detector]", "[protocol]", "[security]"):
            holds(scenario.link, flown)


def test_a_pass_of_too_many_slots():
    with pytest.raises(ParameterError, match="2,000,000 at most"):
        PassProtocol(0.5, 0.01).n_slots(1e6)
    assert PassProtocol(0.5, 1.0).n_slots(0.0) == 1


def test_a_link_that_breaks_without_end(flown):
    with pytest.raises(ParameterError, match="up_s and break_s must be at least"):
        ClassicalLink(up_s=1e-9, break_s=1e-9)
    with pytest.raises(ParameterError, match="breaks a contact"):
        Line(ClassicalLink(up_s=1e-9, break_s=2e-3), [Pass(*[None] * 3, 0.0, 1.0, 1e5, 90.0, 5e5, True)], None)
    assert len(Line(ClassicalLink(up_s=1e-9, break_s=5.0), [flown], np.random.default_rng(1)).windows) > 10
