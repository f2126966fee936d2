import json
from pathlib import Path

import pytest

from haris.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples" / "links"
HARDWARE = EXAMPLES / "metro_cv_hardware_20km.toml"


def test_the_budget_names_each_cause_and_what_is_ideal(capsys):
    assert main(["noise", str(HARDWARE)]) == 0
    out = capsys.readouterr().out
    assert "metro_cv_hardware_20km at 20 km" in out
    for name in ("walk_noise", "pilot_noise", "scattered", "skirt", "common_mode", "amplifier", "[i_n^2 / (2 e I)"):
        assert name in out
    assert "none: stated_noise, modulator, lo_leak, stated" in out


def test_the_rate_counts_the_same_terms(capsys):
    main(["noise", str(HARDWARE), "--json"])
    budget = json.loads(capsys.readouterr().out)
    main(["rate", str(HARDWARE), "--distance", "20", "--explain", "--json"])
    rate = json.loads(capsys.readouterr().out)
    assert rate["terms"][: len(budget["terms"])] == budget["terms"]
    values = {term["name"]: term["value"] for term in rate["terms"]}
    assert values["excess"] == values["excess_noise"] > 0.005
    assert values["transmittance"] == budget["transmittance"]


def test_waveforms_are_measured_beside_it(capsys):
    assert main(["noise", str(HARDWARE), "--emulate", "65536", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    measured = report["measured"]
    assert measured["transmittance"] == pytest.approx(report["transmittance"], rel=0.05)
    assert measured["frequency_offset_hz"] == pytest.approx(20e6, rel=1e-3)
    excess = next(term["value"] for term in report["terms"] if term["name"] == "excess")
    assert abs(measured["excess_snu"] - excess) < 4 * measured["error_snu"]


def test_a_pilot_too_weak_exits_without_key(capsys):
    assert main(["noise", str(HARDWARE), "--emulate", "16384", "--distance", "250"]) == 3
    assert "no symbols: the pilot has" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([str(EXAMPLES / "metro_cv_20km.toml")], "name no hardware"),
        ([str(EXAMPLES / "metro_25km.toml")], "has no modulated quadratures"),
        ([str(HARDWARE), "--emulate", "0"], "--emulate must lie in"),
        ([str(HARDWARE), "--distance", "-1"], "length_m must be finite and at least 0"),
    ],
)
def test_other_links_and_numbers_are_refused(arguments, wanted, capsys):
    assert main(["noise", *arguments]) == 2
    assert wanted in capsys.readouterr().err
