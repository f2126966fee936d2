"""haris attack: its text, its JSON, what it refuses, and the outputs that the how-to shows."""

import json
import shlex
from pathlib import Path

import pytest

from haris.cli.main import main
from haris.quantum.attacks.attacked import ATTACKS

ROOT = Path(__file__).parents[2]
PULSES = "examples/links/metro_25km.toml"
QUADRATURES = "examples/links/metro_cv_20km.toml"


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def answer(capsys, *arguments):
    code = main(["attack", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("name", "link"), [(name, PULSES if "decoy-bb84" in a.FAMILIES else QUADRATURES) for name, a in ATTACKS.items()]
)
def test_every_attack_runs_with_its_defaults(capsys, name, link):
    code, out, err = answer(capsys, link, "--attack", name, "--distance", "0:40:3", "--emulate", "100000")
    assert code == 0
    assert not err
    assert out.startswith(name)
    assert "what shows" in out
    assert "counted of 100,000 emulated pulses" in out


def test_json_has_the_numbers_of_the_text_and_a_file_is_an_attack(capsys, tmp_path):
    by_file = answer(
        capsys, QUADRATURES, "--attack", "examples/attacks/hidden_cloner.toml", "--distance", "40", "--json"
    )
    by_name = answer(
        capsys, QUADRATURES, "--attack", "lo-calibration", "--set", "shot_noise_ratio=0.9", "--distance", "40", "--json"
    )
    assert by_file == by_name
    report = json.loads(by_file[1])
    assert report["attack"] == {"name": "lo-calibration", "shot_noise_ratio": 0.9}
    assert report["detected"] is False
    assert report["claimed_bits"] == report["honest_bits"] == report["gap_bits"]
    assert report["rates"]["secret_at_most_bits"] == [0.0]
    assert report["rates"]["stolen_bits"] == report["rates"]["claimed_bits"]
    assert "measured" not in report


def test_the_same_seed_counts_the_same(capsys):
    arguments = (PULSES, "--attack", "intercept-resend", "--set", "fraction=0.2", "--emulate", "300000", "--json")
    first, again, other = (json.loads(answer(capsys, *arguments, "--seed", seed)[1]) for seed in ("4", "4", "5"))
    assert first["measured"] == again["measured"] != other["measured"]
    assert len(first["measured"]) == len(first["signs"]) == 8


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--attack", "telepathy"), "--attack must be one of intercept-resend, photon-number-splitting"),
        (("--attack", "trojan-horse", "--set", "mean_photon=1"), "did you mean mean_photons?"),
        (("--attack", "trojan-horse", "--set", "mean_photons=-1"), "--set:3: [attack]: mean_photons must lie in"),
        (("--attack", "trojan-horse", "--set", "mean_photons"), "write FIELD=VALUE"),
        (
            ("--attack", "lo-calibration"),
            "lo-calibration is known of gaussian-cv, discrete-cv, got a link of decoy-bb84",
        ),
        (("--attack", "examples/attacks/hidden_cloner.toml", "--set", "a=1"), "a file holds its own settings"),
        (("--attack", "beam-splitting", "--distance", "x"), "write START:STOP:COUNT"),
        (("--attack", "beam-splitting", "--emulate", "0"), "n_pulses must be at least 1"),
        (("--attack", "nowhere.toml"), "nowhere.toml: cannot be read"),
    ],
)
def test_nonsense_is_refused_with_its_reason(capsys, arguments, text):
    code, out, err = answer(capsys, PULSES, *arguments)
    assert code == 2
    assert not out
    assert text in err


def test_a_file_says_where_it_is_wrong(capsys, tmp_path):
    file = tmp_path / "a.toml"
    file.write_text('[attack]\nname = "intercept-resend"\nfraction = 2.0\n')
    assert (
        f"{file}:3: [attack]: fraction must lie in [0, 1], got 2.0" in answer(capsys, PULSES, "--attack", str(file))[2]
    )
    file.write_text('[attack]\nname = "intercept-resend"\n[eve]\nx = 1\n')
    assert f"{file}:3: unknown key 'eve'" in answer(capsys, PULSES, "--attack", str(file))[2]


def sessions():
    """Each command of the how-to with what is printed below it."""
    page = (ROOT / "docs" / "how-to" / "attack-a-link.md").read_text()
    for block in page.split("```")[1::2]:
        command, _, output = block.strip().partition("\n")
        if command.startswith("$ haris attack"):
            yield command.removeprefix("$ haris "), output


def test_the_how_to_shows_every_attack():
    named = " ".join(command for command, _ in sessions())
    assert all(f"--attack {name}" in named for name in ATTACKS)


@pytest.mark.parametrize(("command", "output"), list(sessions()))
def test_the_how_to_prints_what_really_comes(capsys, command, output):
    assert main(shlex.split(command)) == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.strip().splitlines()]
    shown = [line.rstrip() for line in output.strip().splitlines()]
    assert shown == printed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--eve", "0.5", "--attack", "beam-splitting"), "name one, --eve or --attack"),
        (("--set", "fraction=0.5"), "--set goes with --attack"),
        (("--eve", "1.5"), "--eve must lie in"),
        (("--attack", "lo-calibration"), "lo-calibration is known of gaussian-cv"),
    ],
)
def test_light_takes_one_attack(capsys, tmp_path, arguments, text):
    assert main(["light", PULSES, "--record", str(tmp_path / "r"), *arguments]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_light_is_recorded_as_eve_leaves_it(tmp_path):
    """Three times the light, unhidden, gives about three times the tags; Alice's half stays as it was."""
    link = tmp_path / "link.toml"
    link.write_text(
        (ROOT / PULSES).read_text().replace("4_000_000_000", "2_000_000").replace("time_s = 1e-6", "time_s = 0.0")
    )
    brighter = ("--attack", "laser-seeding", "--set", "gain=3.0", "--set", "hidden=false")
    for name, attack in (("honest", ()), ("brighter", brighter)):
        assert main(["light", str(link), "--record", str(tmp_path / name), "--seed", "a", *attack]) == 0
    sizes = {
        name: {path.stem: path.stat().st_size for path in (tmp_path / name).iterdir()}
        for name in ("honest", "brighter")
    }
    assert 2.5 < sizes["brighter"]["bob"] / sizes["honest"]["bob"] < 3.5
    assert sizes["brighter"]["alice"] == sizes["honest"]["alice"]
