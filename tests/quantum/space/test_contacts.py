"""The contacts of a span through space, and the clock of their sky."""

from dataclasses import replace
from pathlib import Path

import pytest

from haris.nouns.document import parse_document
from haris.nouns.errors import ParameterError
from haris.quantum.space.contacts import contacts_of
from haris.quantum.space.motion import Motion, SkyClock
from haris.quantum.space.scenario import Scenario, scenario_of

EXAMPLE = Path(__file__).parents[3] / "examples" / "space" / "micius_xinglong_2016.toml"
RISE_S = 1482166197.388


@pytest.fixture(scope="module")
def scenario():
    return Scenario.read(EXAMPLE)


def test_a_pass_that_lasts_is_the_first_of_the_coming_and_keeps_its_rise(scenario):
    contacts = contacts_of(scenario)
    before, amid = contacts.coming(RISE_S - 60.0)[0], contacts.coming(RISE_S + 100.0)[0]
    assert before.rise_s == pytest.approx(RISE_S, abs=0.1)
    assert amid.rise_s == pytest.approx(RISE_S, abs=0.1)
    assert contacts.coming(amid.set_s + 1.0)[0].rise_s > amid.set_s


def test_what_is_left_of_a_pass_gives_less(scenario):
    contacts = contacts_of(scenario)
    whole = contacts.coming(RISE_S - 60.0)[0]
    rest = contacts.rest_of(whole, whole.culmination_s)
    assert (rest.rise_s, rest.set_s) == (whole.culmination_s, whole.set_s)
    assert 0 < contacts.key(rest).secret_bits < contacts.key(whole).secret_bits / 2


def test_a_span_leads_to_one_satellite_and_one_station(scenario):
    two = replace(scenario, elements=scenario.elements * 2)
    with pytest.raises(ParameterError, match="one satellite, and there are 2"):
        contacts_of(two)
    with pytest.raises(ParameterError, match="station must be one of Xinglong, got 'Lhasa'"):
        contacts_of(scenario, "Lhasa")
    assert contacts_of(scenario, "Xinglong").station.name == "Xinglong"


def test_quick_motion_only_shortens_the_waiting():
    clock = SkyClock.of(Motion("2026-11-28T12:00:00Z", 60.0), "2016-12-19T16:00:00Z")
    began, start = 1795867200.0, 1482163200.0
    assert clock.sky_s(began) == start
    assert clock.sky_s(began + 10.0) == start + 600.0
    assert clock.wait_s(began + 10.0, start + 1200.0) == 10.0
    assert clock.wait_s(began + 10.0, start) == 0.0
    assert SkyClock.of(None, None).sky_s(began) == began


@pytest.mark.parametrize(
    ("motion", "why"),
    [
        ('began = "2026-11-28"\nfactor = 0.5', r"factor must lie in \[1, 10000\], got 0.5"),
        ('began = "noon"\nfactor = 2.0', "began is a time"),
    ],
)
def test_motion_that_is_none_is_refused_with_its_line(motion, why):
    text = EXAMPLE.read_text() + f"\n[motion]\n{motion}\n"
    with pytest.raises(ParameterError, match=r":\d+: .*" + why):
        scenario_of(parse_document(text, "PASS.toml", EXAMPLE.parent))
    text = EXAMPLE.read_text().replace('start = "2016-12-19T12:00:00Z"', "")
    with pytest.raises(ParameterError, match="start"):
        scenario_of(
            parse_document(text + '\n[motion]\nbegan = "2026-11-28"\nfactor = 2.0\n', "PASS.toml", EXAMPLE.parent)
        )
