"""A season: its passes and keys are those of single passes, its choice is the best one, its weather that of clouds."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.many_passes import ManyPasses
from haris.quantum.orbit.station import Station
from haris.quantum.space.handover import flown
from haris.quantum.space.light import clear_probability
from haris.quantum.space.many_keys import ManyKeys
from haris.quantum.space.scenario import Scenario
from haris.quantum.space.season import Handover, Season, _paired
from haris.quantum.space.weather import Weather, clear, days_of_months, months
from haris.report.season import choices_text, season_report, season_text

SPACE = Path(__file__).parents[3] / "examples" / "space"


@pytest.fixture(scope="module")
def europe():
    scenario = Scenario.read(SPACE / "european_stations.toml")
    scenario = replace(scenario, search=replace(scenario.search, days=6.0))
    return scenario, scenario.season(0.0)


def table(satellite, station, rise, last):
    n = len(rise)
    rise = np.array(rise, dtype=np.float64)
    zeros = np.zeros(n)
    return ManyPasses(
        (),
        (),
        10.0,
        np.array(satellite),
        np.array(station),
        rise,
        rise,
        rise + last,
        zeros,
        zeros,
        np.ones(n, np.bool_),
    )


def best_by_hand(passes, value, turn_s):
    """The greatest sum over all sets of passes without a conflict."""
    n = len(passes)
    clash = [
        (i, j)
        for i, j in combinations(range(n), 2)
        if (passes.satellite[i] == passes.satellite[j] or passes.station[i] == passes.station[j])
        and passes.rise_s[i] < passes.set_s[j] + turn_s
        and passes.rise_s[j] < passes.set_s[i] + turn_s
    ]
    sets = (np.array(each, dtype=np.bool_) for each in product((False, True), repeat=n))
    return max(value[each].sum() for each in sets if not any(each[i] and each[j] for i, j in clash))


@pytest.mark.parametrize("seed", range(12))
def test_the_choice_is_the_best_there_is(seed):
    rng = np.random.default_rng(seed)
    n, turn_s = 11, 5.0
    passes = table(rng.integers(0, 3, n), rng.integers(0, 3, n), rng.uniform(0, 400, n), rng.uniform(20, 120, n))
    value = np.floor(rng.uniform(0, 1000, n)) * (rng.random(n) < 0.9)
    chosen = flown(passes, value, turn_s)
    assert value[chosen].sum() == pytest.approx(best_by_hand(passes, value, turn_s))
    assert not chosen[value == 0.0].any()
    for i, j in combinations(np.flatnonzero(chosen).tolist(), 2):
        if passes.satellite[i] == passes.satellite[j] or passes.station[i] == passes.station[j]:
            first, second = sorted((i, j), key=lambda k: passes.rise_s[k])
            assert passes.set_s[first] + turn_s <= passes.rise_s[second]


def test_none_is_chosen_of_none():
    assert flown(table([], [], [], []), np.zeros(0)).shape == (0,)


def test_a_season_sums_the_keys_of_its_passes(europe):
    scenario, season = europe
    keys = scenario.keys(0.0)
    assert len(keys) == len(season.keys.passes)
    assert season.keys.secret_bits.sum() == pytest.approx(sum(each.secret_bits for each in keys), rel=0.005)
    by_station = season.by_month().sum(axis=1)
    assert by_station.sum() == pytest.approx(season.expected_bits.sum())
    for number in range(3):
        assert season.nights(number).sum() == pytest.approx(by_station[number])
    assert season.by_month()[:, 3:].sum() == 0.0  # January to March alone: it is six days of March
    assert season.expected_bits.sum() < season.keys.secret_bits[season.is_flown].sum()


def test_the_weather_is_that_of_each_pass_by_its_light(europe):
    scenario, season = europe
    passes = season.keys.passes
    assert season.clear[passes.station == 0].max() < season.clear[passes.station == 2].min()
    cloudy = replace(scenario.link, channel=replace(scenario.link.channel, cloud_cover=0.66))  # of Munich in March
    for each in scenario.keys(0.0)[:8]:
        if each.flown.station.name == "Munich":
            here = np.argmin(np.abs(passes.rise_s - each.flown.rise_s))
            assert season.clear[here] == pytest.approx(clear_probability(each.slots, cloudy), rel=0.06)


def test_months_are_those_of_the_calendar():
    times = [0.0, 31 * 86400.0 - 1.0, 31 * 86400.0, 59 * 86400.0, 365 * 86400.0 - 1.0, 365 * 86400.0]
    assert months(np.array(times)).tolist() == [0, 0, 1, 2, 11, 0]
    leap = datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC).timestamp()
    assert months(np.array([leap, leap + 1.0, 253402300799.0, 253402300800.0, -62135596800.0])).tolist() == [
        1,
        2,
        11,
        0,
        0,
    ]


def test_days_are_those_of_the_calendar():
    start = datetime(2027, 11, 30, 12, tzinfo=UTC).timestamp()
    of_a_leap_year = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert days_of_months(start, start + 2 * 86400.0).tolist() == [0.0] * 10 + [0.5, 1.5]
    assert days_of_months(start + 31.5 * 86400.0, start + 397.5 * 86400.0).tolist() == of_a_leap_year
    assert days_of_months(start, start + 1000 * 86400.0).sum() == pytest.approx(1000.0)


def test_a_night_lasts_from_noon_to_noon_by_the_sun():
    # At 150 degrees east noon is at 2 UTC, at 150 degrees west (210 east) at 22 UTC.
    hours = np.array([1.0, 3.0, 21.0, 25.0, 27.0])
    passes = replace(table([0] * 5, [0] * 5, hours * 3600.0, 60.0), satellites=(None,))
    bits = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    for longitude_deg, nights in [(150.0, [1.0, 14.0, 16.0]), (-150.0, [7.0, 24.0]), (210.0, [7.0, 24.0])]:
        here = replace(passes, stations=(Station("here", 0.0, longitude_deg),))
        season = Season(ManyKeys(here, bits, bits, bits), np.ones(5), np.ones(5, np.bool_), 0.0, 2.0, Handover())
        assert season.nights(0).tolist() == nights


def test_a_month_without_night_is_the_worst(europe):
    scenario, _ = europe
    narvik = replace(scenario.stations[0], name="Narvik", latitude_deg=68.0)
    start = replace(scenario.search, start="2026-04-25T00:00:00Z", days=12.0)
    season = replace(scenario, stations=(narvik,), search=start, weather=()).season(0.0)
    april, may = season.by_month()[0, 3:5]
    assert april > 0.0
    assert may == 0.0
    (line,) = (line for line in season_text(season, None).splitlines() if "Narvik" in line)
    assert line.split()[4:] == ["May", "0", "Apr", f"{april / 6.0:,.0f}"]


def test_elements_that_are_too_old_to_foretell_are_named(europe):
    scenario, season = europe
    assert season.oldest_elements_s == pytest.approx(6.0 * 86400.0, abs=86400.0)
    assert "no pass is foretold" not in season_text(season, None) + choices_text(season.choices(2), None)
    epoch_s = scenario.elements[0].epoch_s
    aged = replace(scenario.elements[0], epoch_s=epoch_s - 100.0 * 86400.0)
    old = replace(scenario, elements=(aged,)).season(0.0)
    for text in (season_text(old, None), choices_text(old.choices(2), None)):
        assert "up to 106 days" in text
        assert "no pass is foretold" in text
    assert season_report(old, None)["oldest_elements_days"] == pytest.approx(106.0, abs=1.0)


def test_pairs_share_what_both_have_within_the_store():
    assert _paired(np.array([5.0, -3.0, -4.0]), 100.0) == 5.0
    assert _paired(np.array([5.0, 5.0, -8.0, 3.0, -3.0]), 6.0) == 6.0 + 2.0 + 1.0
    assert _paired(np.array([1.0, 2.0]), 9.0) == 0.0


def test_pairs_get_no_more_than_the_poorer_of_two(europe):
    _, season = europe
    pairs, alone = season.pairs(), season.by_month().sum(axis=1) / season.days
    for a, b in combinations(range(3), 2):
        assert 0.0 <= pairs[a, b] <= min(alone[a], alone[b]) * (1.0 + 1e-12)
        assert pairs[a, b] == pairs[b, a]
    bounded = replace(season, handover=Handover(store_bits=1e3))
    assert bounded.pairs()[1, 2] < pairs[1, 2]


def test_another_map_gives_the_same(europe):
    scenario, season = europe
    twice = replace(scenario, elements=scenario.elements * 2)
    plain = twice.season(0.0)
    backwards = twice.season(0.0, apply=lambda of, each: [of(one) for one in list(each)[::-1]][::-1])
    assert isinstance(plain, Season)
    assert np.array_equal(plain.keys.secret_bits, backwards.keys.secret_bits)
    # The second is where the first is: of one station's pass one of them is flown, and the other may serve another.
    assert season.is_flown.sum() <= plain.is_flown.sum() <= 2 * season.is_flown.sum()


def test_nothing_impossible_is_taken(europe):
    scenario, _ = europe
    with pytest.raises(ParameterError, match="months"):
        Weather("Munich", (0.5, 0.5))
    with pytest.raises(ParameterError, match="cloud_cover"):
        Weather("Munich", (1.5,) * 12)
    with pytest.raises(ParameterError, match="turn_s"):
        Handover(turn_s=-1.0)
    with pytest.raises(ParameterError, match="days from the time"):
        replace(scenario, satellites=replace(scenario.satellites, most_age_days=1.0)).season(0.0)
    assert clear(table([], [], [], []), ()).shape == (0,)


def test_stations_are_chosen_for_the_pair_that_gets_least(europe):
    scenario, season = europe
    best, *others = season.choices(2)
    assert len(others) == 2
    assert best.least_bits_a_day >= max(each.least_bits_a_day for each in others)
    # The same as if those two had been named, in that order.
    named = tuple(each for each in scenario.stations if each in best.keys.passes.stations)
    alone = replace(scenario, stations=named).season(0.0)
    assert best.least_bits_a_day == pytest.approx(alone.least_bits_a_day)
    assert best.is_flown.sum() == alone.is_flown.sum()
    (whole,) = season.choices(3)
    assert whole.expected_bits.sum() == pytest.approx(season.expected_bits.sum())
    for n_stations in (0, 4):
        with pytest.raises(ParameterError, match="can be chosen"):
            season.choices(n_stations)


def test_a_station_without_weather_has_the_clouds_of_the_channel(europe):
    scenario, season = europe
    clouded = replace(scenario.link, channel=replace(scenario.link.channel, cloud_cover=0.5))
    under = replace(scenario, link=clouded, weather=()).season(0.0)
    open_sky = replace(scenario, weather=()).season(0.0)
    assert np.all(open_sky.clear == pytest.approx(1.0))
    assert 0.1 < under.clear.min() < under.clear.max() < 0.5
    assert np.array_equal(replace(scenario, link=clouded).season(0.0).clear, season.clear)


@pytest.mark.parametrize("name", ["six-state", "decoy-bb84"])
def test_a_season_by_another_protocol_is_its_passes(name, europe):
    scenario, _ = europe
    link = replace(scenario.link, protocol=replace(scenario.link.protocol, name=name, slot_s=10.0))
    few = replace(scenario, link=link, search=replace(scenario.search, days=2.0))
    keys = few.keys(0.0)
    found = few.season(0.0).keys
    assert len(found.passes) == len(keys)
    assert found.secret_bits.sum() == pytest.approx(sum(each.secret_bits for each in keys), rel=5e-3)
    assert found.secret_bits.sum() > 0
