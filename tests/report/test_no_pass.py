"""What is said of a light of passes when it starts to serve."""

from dataclasses import replace
from pathlib import Path

import pytest

from haris.cli.light import light_to_come
from haris.node.spans.sky import Sky
from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import DAY_S, circular
from haris.quantum.orbit.station import Station
from haris.quantum.space.contacts import contacts_of
from haris.quantum.space.scenario import Satellites, Scenario
from haris.report.no_pass import MOST_NAMED, never_seen, next_light

SPACE = Path(__file__).parents[2] / "examples" / "space"
NOON_S = 1482148800.0
"""19 December 2016, 12:00 UTC."""


@pytest.fixture(scope="module")
def micius():
    return Scenario.read(SPACE / "micius_xinglong_2016.toml")


def test_when_the_next_light_shines(micius):
    keys = micius.keys(0.0)
    told = next_light(micius, keys, NOON_S)
    assert told.startswith("MICIUS over Xinglong shines 2016-12-19 16:49:57 to 2016-12-19 16:54:28 (UTC): 175,")


def test_why_no_light_shines(micius):
    day = replace(micius, search=replace(micius.search, start="2016-12-19", days=0.3))
    assert "none of 1 passes gives key; the first: the Sun stands at 26" in next_light(day, day.keys(0.0), 0.0)
    none = "no pass: MICIUS over Xinglong above 19.5 degrees in 0.5 days from 2016-12-19T12:00:00.000000Z"
    assert next_light(micius, (), NOON_S) == none


def test_elements_too_old_for_our_sky_are_told_and_what_to_do(micius):
    sky = Sky(contacts_of(micius), lambda: NOON_S + 365 * DAY_S)
    told = light_to_come(micius, sky)
    assert told.startswith("no light: the elements of MICIUS are 36")
    assert told.endswith("with [motion] a sky of the past begins now")


def test_of_many_that_never_rise_some_are_named(micius):
    tropical = tuple(circular(f"T-{n}", NOON_S, 500e3, 10.0, 0.0, 10.0 * n) for n in range(5))
    stations = (Station("North", 70.0, 0.0), Station("South", -60.0, 0.0), Station("Middle", 0.0, 0.0))
    told = never_seen(replace(micius, elements=tropical, stations=stations))
    assert len(told) == MOST_NAMED + 1
    assert told[-1] == "and 2 more never do"
    assert not any("Middle" in each for each in told)


def test_a_satellite_is_there_once(micius):
    lines = micius.satellites.lines
    with pytest.raises(ParameterError, match="MICIUS \\(41731\\) is there 2 times"):
        Satellites(lines=lines, names=("MICIUS", "41731")).read()
    with pytest.raises(ParameterError, match="2 times"):
        Satellites(lines=(*lines, *lines)).read()
