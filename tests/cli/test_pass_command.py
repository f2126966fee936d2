"""haris pass, as it is typed."""

import json
from pathlib import Path

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
    assert first["secret_bits"] == 0
    assert "the Sun" in first["reason"]


def test_no_pass_is_an_answer(capsys):
    assert main(["pass", EXAMPLE, "--start", "2016-12-19T13:00", "--days", "0.01"]) == 0
    assert capsys.readouterr().out.startswith("no pass")


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
    assert "deg, with intensity 1 0." in out
    assert "set them before the pass" in out


def test_what_is_of_stations_is_refused_for_a_crosslink(capsys):
    assert main(["pass", str(Path(EXAMPLE).with_name("crosslink_500km.toml")), "--optimise"]) == 2
    assert "of passes over a station" in capsys.readouterr().err
