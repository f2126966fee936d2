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
