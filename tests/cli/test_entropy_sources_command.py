"""haris entropy sources and haris entropy emulate."""

import json
from pathlib import Path

import numpy as np
import pytest

from haris.cli.main import main
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.source import LEAST_EPSILON, MOST_EPSILON
from haris.quantum.entropy.sources import SOURCES, read_source

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "entropy").glob("*.toml"))
VACUUM = str(Path(__file__).parents[2] / "examples" / "entropy" / "vacuum.toml")


def test_every_kind_of_source_is_listed(capsys):
    assert main(["entropy", "sources", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert set(listed) == set(SOURCES)
    assert main(["entropy", "sources"]) == 0
    text = capsys.readouterr().out
    for name, kind in SOURCES.items():
        assert f"{name}: {kind.title}" in text
    assert "assumes" in text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_certified_as_it_stands(path, capsys):
    assert main(["entropy", "sources", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["source"] == read_source(path).source.name
    assert 0.0 < report["min_entropy_per_sample"] <= report["bits"]
    assert LEAST_EPSILON <= report["epsilon"] <= MOST_EPSILON < report["epsilon_year"] < 1e-9
    assert 0 < report["out_bits"] <= report["allowed_bits"] < report["raw_bits"]
    assert report["proof"]["theorem"]
    assert main(["entropy", "sources", str(path)]) == 0
    text = capsys.readouterr().out
    assert f"rate: {report['certified_bits_hz']:.6g} certified bits a second" in text
    assert all(name in text for name in report["terms"])


def test_nothing_certified_exits_with_3(tmp_path, capsys):
    file = tmp_path / "poor.toml"
    file.write_text(Path(VACUUM).read_text().replace("calibration_samples = 1_000_000_000", "calibration_samples = 9"))
    assert main(["entropy", "sources", str(file)]) == 3
    assert "rate: 0 certified" in capsys.readouterr().out


def test_an_impossible_calibration_is_told_with_its_line(tmp_path, capsys):
    file = tmp_path / "wrong.toml"
    file.write_text(Path(VACUUM).read_text().replace("dark_rms_v = 0.02", "dark_rms_v = 0.2"))
    assert main(["entropy", "sources", str(file)]) == 2
    assert "wrong.toml:11: [source]: dark_rms_v must be below signal_rms_v" in capsys.readouterr().err


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_emulated_samples_are_written_and_repeat(path, tmp_path, capsys):
    for folder, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        command = ["entropy", "emulate", str(path), str(tmp_path / folder), "--samples", "2000", "--seed", seed]
        assert main(command) == 0
    first, again, other = (RawSamples.read(tmp_path / folder) for folder in "abc")
    assert len(first) == 2000
    assert first.bits == read_source(path).parameters.bits
    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)


def test_a_detector_under_control_certifies_nothing_and_is_told(tmp_path, capsys):
    command = [
        "entropy",
        "emulate",
        str(Path(VACUUM).parent / "mdi.toml"),
        str(tmp_path / "new"),
        "--samples",
        "4000000",
    ]
    assert main([*command, "--fault", "detector-replayed", "--fault-from", "0"]) == 0
    told = capsys.readouterr().out
    assert "detector-replayed from sample 0 on\n" in told
    assert "the checks certify 0 bits" in told
    assert len(RawSamples.read(tmp_path / "new")) == 4_000_000


def test_a_fault_begins_in_the_middle_unless_told(tmp_path, capsys):
    command = ["entropy", "emulate", VACUUM, str(tmp_path / "new"), "--samples", "2000"]
    assert main([*command, "--fault", "stuck-bit"]) == 0
    values = RawSamples.read(tmp_path / "new").values
    assert values[1000:].min() >= 512 > values[:1000].min()
    assert "stuck-bit from sample 1000 on\n" in capsys.readouterr().out
    assert main([*command, "--fault-from", "3"]) == 2


@pytest.mark.parametrize(
    "wrong", [["--samples", "0"], ["--samples", "5", "--seed", "-1"], ["--samples", "100000000000"]]
)
def test_what_cannot_be_emulated_is_an_input_error(wrong, tmp_path, capsys):
    assert main(["entropy", "emulate", VACUUM, str(tmp_path / "new"), *wrong]) == 2
    assert f"{wrong[-2]} must" in capsys.readouterr().err


def test_a_folder_that_is_there_is_left_alone(tmp_path, capsys):
    assert main(["entropy", "emulate", VACUUM, str(tmp_path), "--samples", "10"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_infinite_term_is_null_in_json(tmp_path, capsys):
    file = tmp_path / "quiet.toml"
    file.write_text(Path(VACUUM).read_text().replace("dark_rms_v = 0.02", "dark_rms_v = 0.0"))
    assert main(["entropy", "sources", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["terms"]["clearance"]["value"] is None
