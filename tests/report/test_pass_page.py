"""The page of passes: what stands on it, and that its map is the world."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haris.quantum.space.pass_blocks import LATER
from haris.quantum.space.scenario import Scenario
from haris.report.document import Mark, Picture
from haris.report.pass_figures import key_by_month, sifted_per_s
from haris.report.pass_page import pass_page
from haris.report.passes import pass_report, pass_table
from haris.report.web_page import web_page
from haris.report.world_map import circle_of_sight, ground_track, outlines

SPACE = Path(__file__).parents[2] / "examples" / "space"


@pytest.fixture(scope="module")
def jinan():
    scenario = Scenario.read(SPACE / "jinan1_like.toml")
    return scenario, scenario.keys(0.0)


def test_the_page_holds_every_pass_and_pictures_of_those_with_key(jinan):
    scenario, keys = jinan
    page = pass_page(keys, [scenario.link] * len(keys), [1.0] * len(keys))
    titles = [section.title for section in page.sections]
    assert titles == ["Passes", "On the map", "2026-03-20 14:18"]
    rows = page.sections[0].parts[1].rows
    assert len(rows) == len(keys)
    assert [isinstance(row[-1], Mark) for row in rows] == [each.secret_bits == 0 for each in keys]
    assert sum(isinstance(part, Picture) for section in page.sections for part in section.parts) == 2
    text = web_page(page)
    assert "http" not in text.replace("http-equiv", "")
    assert f"{keys[0].secret_bits:,} secret bits" in text
    assert "2026-03-21 03:23: the Sun stands at 52 degrees" in text


def test_a_pass_whose_block_ends_later_is_no_pass_without_key(jinan):
    scenario, keys = jinan
    waiting = replace(keys[1], reason=LATER)
    table, *words = pass_page([waiting, keys[0]], [scenario.link] * 2, [1.0] * 2).sections[0].parts[1:]
    assert table.rows[0][-1] == Mark("later")
    assert words == []


def test_no_pass_is_a_page_too():
    assert pass_page([], [], []).sections[0].parts == (
        "None of these satellites rises above the least elevation in this time.",
    )


def test_rates_sum_to_the_sifted_bits_of_the_pass(jinan):
    scenario, keys = jinan
    total = sifted_per_s(keys[0], scenario.link).sum() * keys[0].slots.duration_s
    assert total == pytest.approx(keys[0].sifted_bits, rel=1e-9)


def test_months_are_summed_by_the_culmination(jinan):
    _, keys = jinan
    later = replace(keys[0], flown=replace(keys[0].flown, culmination_s=keys[0].flown.culmination_s + 31 * 86400.0))
    bits = keys[0].secret_bits
    assert key_by_month([keys[0], later, keys[0]]) == (("2026-03", 2 * bits), ("2026-04", bits))


def test_the_track_passes_where_the_station_sees_it(jinan):
    _, keys = jinan
    flown = keys[0].flown
    longitude, latitude = ground_track(flown.satellite, np.array([flown.rise_s, flown.culmination_s]))
    ring = np.stack(circle_of_sight(flown))
    to_ring = np.hypot(*(ring - [[longitude[0]], [latitude[0]]])).min()
    assert to_ring < 0.7  # degrees; the satellite is a little higher or lower at its rise
    away = np.hypot(longitude[1] - flown.station.longitude_deg, latitude[1] - flown.station.latitude_deg)
    assert away < 3.0


@pytest.mark.parametrize(
    ("place", "is_land"),
    [
        ((117.1, 36.7), True),  # Jinan
        ((11.6, 48.1), True),  # Munich
        ((-75.7, 45.4), True),  # Ottawa
        ((178.0, 67.0), True),  # Chukotka, on both sides of the date line
        ((-175.0, 66.5), True),
        ((0.0, -80.0), True),  # Antarctica
        ((0.0, 0.0), False),  # the Gulf of Guinea
        ((-150.0, 0.0), False),
        ((70.0, 0.0), False),
    ],
)
def test_the_land_is_where_it_is(place, is_land):
    from matplotlib.path import Path as Outline

    assert any(Outline(outline).contains_point(place) for outline in outlines()) == is_land


def test_a_page_of_two_stations_names_both_and_loses_on_both_ways():
    scenario = Scenario.read(SPACE / "micius_two_stations_2020.toml")
    link = replace(scenario.link, protocol=replace(scenario.link.protocol, slot_s=30.0, passes_a_block=2))
    keys = replace(scenario, search=replace(scenario.search, days=2.0), link=link).keys(0.0)
    told = replace(keys[0], key=replace(keys[0].key, length_bits=np.int64(1)))
    page = pass_page([told], [link], [1.0])
    assert "Delingha + Nanshan" in page.title
    assert "one block of 2 passes" in page.sections[0].parts[0]
    assert "the other green" in page.sections[-1].parts[0].caption
    slots = keys[0].slots
    np.testing.assert_allclose(slots.whole, slots.transmittance * slots.other.transmittance)
    rates = sifted_per_s(keys[0], link)
    assert rates.sum() * slots.duration_s == pytest.approx(keys[0].sifted_bits, rel=1e-9)


def test_elements_that_are_too_old_to_foretell_are_named(jinan):
    scenario, keys = jinan
    satellite = keys[0].flown.satellite
    aged = replace(satellite, epoch_s=satellite.epoch_s - 100.0 * 86400.0)
    old = replace(keys[0], flown=replace(keys[0].flown, satellite=aged))
    links, clear = [scenario.link] * 2, [1.0] * 2
    assert "no pass is foretold" not in pass_table(keys[:2], scenario.link, clear)
    assert "elements are up to 101 days from these passes" in pass_table([keys[1], old], scenario.link, clear)
    assert pass_report(old, 1.0)["elements_age_days"] == pytest.approx(100.6, abs=0.1)
    assert "no pass is foretold" not in web_page(pass_page(keys[:2], links, clear))
    assert "Elements are up to 101 days from these passes" in web_page(pass_page([keys[1], old], links, clear))


def test_dollar_signs_of_a_station_are_drawn_as_they_are(jinan):
    scenario, keys = jinan
    odd = replace(keys[0], flown=replace(keys[0].flown, station=replace(keys[0].flown.station, name="a$_$b")))
    assert "a$_$b" in web_page(pass_page([odd], [scenario.link], [1.0]))
