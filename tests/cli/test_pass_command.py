"""haris pass, as it is typed."""

import json
import re
from pathlib import Path

import pytest

from haris.cli.main import main

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "space" / "micius_xinglong_2016.toml")


def test_the_table(capsys):
    assert main(["pass", EXAMPLE]) == 0
    out = capsys.readouterr().out
    assert "MICIUS      Xinglong  2016-12-19 16:49:57     16:52:13  16:54:28     47.8      645 km" in out
    assert "variable-length, one block a pass" in out


def test_the_passes_as_json(capsys):
    assert main(["pass", EXAMPLE, "--json", "--start", "2016-12-19", "--days", "1"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert set(second) >= {"satellite", "station", "rise", "culmination", "set", "max_elevation_deg", "min_range_m"}
    assert second["culmination"].startswith("2016-12-19T16:52:13.5")
    assert second["secret_bits"] > 100_000
    assert second["proof"]["finite"] is True
    assert second["proof"]["attacks"] == "coherent"
    assert first["secret_bits"] == 0
    assert "the Sun" in first["reason"]


def test_no_pass_is_an_answer(capsys):
    assert main(["pass", EXAMPLE, "--start", "2016-12-19T13:00", "--days", "0.01"]) == 0
    assert (
        capsys.readouterr().out
        == "no pass: MICIUS over Xinglong above 19.5 degrees in 0.01 days from 2016-12-19T13:00\n"
    )


@pytest.fixture
def equatorial(tmp_path):
    """The example with its orbit laid into the tropics: it never rises over Xinglong."""
    line = "2 41731   5.0000 267.4500 0013200 178.5836 246.0824 15.23915303 19065"
    text = re.sub(r"2 41731.*\d", line, Path(EXAMPLE).read_text())
    path = tmp_path / "pass.toml"
    path.write_text(text)
    return path


def test_who_never_rises_is_named(capsys, equatorial):
    never = "MICIUS never rises above 19.5 degrees over Xinglong, at latitude 40.3959: its orbit is inclined"
    assert main(["pass", str(equatorial)]) == 0
    assert never in capsys.readouterr().out
    assert main(["pass", str(equatorial), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == []
    assert never in told.err
    equator = '[[station]]\nname = "Singapore"\nlatitude_deg = 1.3\nlongitude_deg = 103.8\n\n[search]'
    equatorial.write_text(equatorial.read_text().replace("[search]", equator))
    assert main(["pass", str(equatorial)]) == 0
    out = capsys.readouterr().out
    assert "no pass" not in out
    assert never in out
    assert "over Singapore, at" not in out


def test_a_reason_names_its_pass(capsys):
    assert main(["pass", EXAMPLE, "--start", "2016-12-19", "--days", "1"]) == 0
    assert "no key of 2016-12-19 03:47: the Sun" in capsys.readouterr().out


def test_a_pass_that_the_search_cuts_is_told(capsys):
    assert main(["pass", EXAMPLE, "--start", "2016-12-19T16:51:00"]) == 0
    assert "the search begins or ends within 2016-12-19 16:51\n" in capsys.readouterr().out
    assert main(["pass", EXAMPLE]) == 0
    assert "the search begins" not in capsys.readouterr().out


def test_bad_input_ends_with_2(capsys):
    assert main(["pass", EXAMPLE, "--start", "2020-01-01"]) == 2
    assert "days from the time asked for" in capsys.readouterr().err
    assert main(["pass", EXAMPLE, "--days", "-1"]) == 2


def test_optimised_settings_are_told_and_give_more(capsys):
    assert main(["pass", EXAMPLE, "--json"]) == 0
    (own,) = json.loads(capsys.readouterr().out)
    assert main(["pass", EXAMPLE, "--optimise", "--json", "--light"]) == 0
    (best,) = json.loads(capsys.readouterr().out)
    assert best["secret_bits"] > 1.3 * own["secret_bits"]
    assert set(best["settings"]) >= {"intensity 1", "p of intensity 3", "p of the key basis"}
    assert own["rise"] <= best["used"]["from"] < best["used"]["until"] <= own["set"]
    assert best["used"]["least_elevation_deg"] >= 19.5 - 0.1
    assert abs(best["faded_bits"] / best["secret_bits"] - 1.0) < 0.05


def test_optimised_settings_of_all_passes_are_the_same(capsys):
    qube2 = EXAMPLE.replace("micius_xinglong_2016", "qube2_like")
    assert main(["pass", qube2, "--optimise", "all", "--json"]) == 0
    chosen = [each["settings"] for each in json.loads(capsys.readouterr().out) if "settings" in each]
    assert len(chosen) > 1
    assert all(each == chosen[0] for each in chosen)


def test_optimised_settings_are_printed(capsys):
    assert main(["pass", EXAMPLE, "--optimise"]) == 0
    out = capsys.readouterr().out
    assert "deg, with intensity 1 = 0." in out
    assert "set them before the pass" in out


def test_what_is_of_stations_is_refused_for_a_crosslink(capsys):
    assert main(["pass", str(Path(EXAMPLE).with_name("crosslink_500km.toml")), "--optimise"]) == 2
    assert "of passes over a station" in capsys.readouterr().err


def test_two_stations_at_once(capsys):
    two = str(Path(EXAMPLE).with_name("micius_two_stations_2020.toml"))
    assert main(["pass", two, "--days", "1", "--json"]) == 0
    first, *_ = json.loads(capsys.readouterr().out)
    assert first["station"] == "Delingha + Nanshan"
    assert first["rise"] < first["culmination"] < first["set"]
    assert main(["pass", two, "--days", "0.1"]) == 0
    assert "over Delingha + Nanshan at once above 10 degrees" in capsys.readouterr().out
    assert main(["fly", two]) == 2
    assert "is of one block a pass" in capsys.readouterr().err
