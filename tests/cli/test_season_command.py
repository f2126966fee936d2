"""haris season, as it is typed."""

import json
import re
from pathlib import Path

import pytest

from haris.cli.main import main

EUROPE = str(Path(__file__).parents[2] / "examples" / "space" / "european_stations.toml")


def test_a_season_in_words(capsys):
    assert main(["season", EUROPE, "--days", "5", "--demand", "1"]) == 0
    out = capsys.readouterr().out
    assert "Matera - Tenerife" in out
    assert "1 bits a day are there" in out
    assert main(["season", EUROPE, "--days", "5", "--choose", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("Matera, Tenerife")
    assert main(["season", EUROPE, "--days", "5", "--choose", "2", "--json"]) == 0
    assert next(each["name"] for each in json.loads(capsys.readouterr().out)) == "Matera, Tenerife"


def test_why_passes_give_no_key(capsys):
    assert main(["season", EUROPE, "--days", "5"]) == 0
    assert re.search(r"^(\d+) without key: \1 spoiled by the Sun$", capsys.readouterr().out, re.MULTILINE)
    assert main(["season", EUROPE.replace("european_stations", "qube2_like"), "--days", "2"]) == 0
    assert "spoiled by the Sun, 1 too few bits" in capsys.readouterr().out


def test_who_never_rises_is_named(capsys, tmp_path):
    path = tmp_path / "pass.toml"
    text = Path(EUROPE).read_text().replace('"sun_synch', f'"{Path(EUROPE).parent}/sun_synch')
    path.write_text(text.replace("least_elevation_deg = 20.0", "least_elevation_deg = 89.9").replace("48.15", "89.0"))
    assert main(["season", str(path), "--days", "1"]) == 0
    assert "SSO-500 never rises above 89.9 degrees over Munich" in capsys.readouterr().out
    assert main(["season", str(path), "--days", "1", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)[0]["stations"][0]["bits_a_day"] == 0.0
    assert "over Munich" in told.err
    assert "over Matera" not in told.err


def test_constellations_side_by_side(capsys):
    walkers = ["--walker", "1/1/0:500:97.4", "--walker", "3/3/1:500:97.4"]
    assert main(["season", EUROPE, "--days", "3", *walkers, "--demand", "1e12"]) == 0
    out = capsys.readouterr().out
    assert out.count(" no\n") == 2
    assert main(["season", EUROPE, "--days", "3", *walkers, "--json"]) == 0
    one, three = json.loads(capsys.readouterr().out)
    assert three["satellites"] == 3
    assert three["passes"] > 2 * one["passes"]
    assert {pair["stations"][0] for pair in one["pairs"]} == {"Munich", "Matera"}


def test_a_satellite_a_worker_gives_the_same(capsys):
    from dask.distributed import LocalCluster

    arguments = ["season", EUROPE, "--days", "2", "--walker", "2/2/1:500:97.4", "--json"]
    assert main(arguments) == 0
    alone = json.loads(capsys.readouterr().out)
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        assert main([*arguments, "--dask", cluster.scheduler_address]) == 0
    assert json.loads(capsys.readouterr().out) == alone


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--walker", "4"], "T/P/F:KM:DEG"),
        (["--walker", "4/3/1:500:97"], "planes must divide"),
        (["--days", "0"], "days"),
        (["--choose", "4"], "can be chosen"),
        (["--demand", "nan"], "--demand must be finite"),
        (["--dask", "nonsense://1"], "--dask"),
    ],
)
def test_what_is_no_season_is_refused(arguments, words, capsys):
    assert main(["season", EUROPE, "--days", "1", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("command", ["season", "fly"])
def test_a_crosslink_has_no_station_to_serve(command, capsys):
    assert main([command, str(Path(EUROPE).with_name("crosslink_500km.toml"))]) == 2
    assert "use haris pass" in capsys.readouterr().err
