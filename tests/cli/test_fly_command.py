"""haris fly, as it is typed."""

import json
from pathlib import Path

import pytest

from haris.cli.main import main

SPACE = Path(__file__).parents[2] / "examples" / "space"
MICIUS = str(SPACE / "micius_xinglong_2016.toml")
UPLINK = str(SPACE / "qeyssat_like.toml")


def test_a_flight_as_json(capsys):
    assert main(["fly", UPLINK, "--json"]) == 0
    flight = json.loads(capsys.readouterr().out)
    assert flight["live"]
    assert flight["rise"] < flight["key_at"] < flight["set"]
    assert 0.5 * flight["expected_bits"] < flight["secret_bits"] < flight["expected_bits"]
    assert flight["closed"] <= flight["stretches"]
    assert flight["up_octets"] < flight["down_octets"]  # Bob is in the sky, and tells where he clicked


def test_a_pass_that_gives_no_key_is_not_sampled_and_says_why(capsys):
    assert main(["fly", UPLINK, "--first", "2"]) == 3
    assert "not worth its light: the Sun" in capsys.readouterr().out
    assert main(["fly", UPLINK, "--first", "2", "--json"]) == 3
    assert "the Sun" in json.loads(capsys.readouterr().out)["reason"]


def test_a_satellite_that_never_rises_says_so(capsys):
    assert main(["fly", MICIUS, "--days", "0.05"]) == 3
    assert "no pass: MICIUS over Xinglong above 19.5 degrees" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--first", "99"], "no number 99"),
        (["--first", "0"], "no number 0"),
        (["--passes", "0"], "--passes must be at least 1"),
        (["--passes", "50"], "passes with key"),
        (["--stretch", "0"], "stretch_s"),
        (["--stretch", "1e-9"], "more than 10000 stretches"),
    ],
)
def test_what_cannot_be_flown_is_refused(arguments, words, capsys):
    assert main(["fly", UPLINK, *arguments]) == 2
    assert words in capsys.readouterr().err
