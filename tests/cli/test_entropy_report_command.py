"""haris entropy report: from samples and bits to files, and what it refuses."""

import argparse
import hashlib
import io
import json
import random
from pathlib import Path

import pytest

from haris.cli import entropy_report
from haris.cli.main import main

SOURCE = str(Path(__file__).parents[2] / "examples" / "entropy" / "beam_splitter.toml")
BITS = random.Random(5).randbytes(300_000)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "samples"
    assert main(["entropy", "emulate", SOURCE, str(folder), "--samples", "1000000", "--seed", "9"]) == 0
    return folder


def test_a_report_is_written_and_told(samples, tmp_path, capsys):
    output = tmp_path / "output.bin"
    output.write_bytes(BITS)
    page, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    arguments = ["entropy", "report", str(samples), "--source", SOURCE, "--out", str(page), "--pdf", str(pdf)]
    capsys.readouterr()
    assert main([*arguments, "--output", str(output), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["passed"]
    assert told["sp800_22"]["n_sequences"] == 2
    assert told["sp800_22"]["n_hypotheses"] == 188
    assert told["dieharder"] is None
    assert told["sha256"]["tested bits"] == hashlib.sha256(BITS[:250_000]).hexdigest()
    assert told["sha256"]["raw samples"] == hashlib.sha256((samples / "samples.bin").read_bytes()).hexdigest()
    assert 0.0 < told["epsilon"] < told["epsilon_year"] < 1e-9
    assert told["sha256"]["raw samples"] in page.read_text()
    assert pdf.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("megaoctets", "gigaoctets", "n_planned", "reason"),
    [
        (30.0, None, 0, "it was not asked for"),
        (30.0, 0.012, 2, ""),
        (30.0, 245.0, 3, ""),
        (4.0, 245.0, 0, "bits.bin has 0.0037 gigaoctets left for it"),
        (0.2, 245.0, 0, "bits.bin has 0.0000 gigaoctets left for it"),
    ],
)
def test_a_files_plan_fits_what_it_has_left(megaoctets, gigaoctets, n_planned, reason, tmp_path, monkeypatch):
    monkeypatch.setattr(entropy_report, "installed_version", lambda: "3.31.1")
    path = tmp_path / "bits.bin"
    with path.open("wb") as file:
        file.truncate(int(megaoctets * 1e6))
    planned, told = entropy_report._plan(argparse.Namespace(output=str(path), dieharder=gigaoctets), 2)
    assert len(planned) == n_planned
    assert told.startswith(reason)
    assert bool(told) == (not planned)


def test_without_the_program_the_report_says_so(monkeypatch):
    monkeypatch.setattr(entropy_report, "installed_version", lambda: None)
    wishes = argparse.Namespace(output="-", dieharder=1.0)
    assert entropy_report._plan(wishes, 1) == ((), "the program dieharder is not installed")


def refused(arguments, capsys, samples, tmp_path):
    out = tmp_path / "report.html"
    assert main(["entropy", "report", str(samples), "--source", SOURCE, "--out", str(out), *arguments]) == 2
    assert not out.exists()
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--sequences", "3"], "--output, which is missing"),
        (["--dieharder", "1"], "--output, which is missing"),
        (["--output", "/nowhere/bits"], "No such file"),
        (["--output", "-", "--sequences", "0"], "--sequences must be at least 1"),
        (["--output", "-", "--dieharder", "0.001"], "gigaoctets at least"),
        (["--pdf", "/nowhere/report.pdf"], "no such folder"),
    ],
)
def test_impossible_wishes_are_refused(samples, arguments, reason, capsys, tmp_path):
    assert reason in refused(arguments, capsys, samples, tmp_path)


def test_a_stream_that_ends_early_is_refused(samples, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BITS)))
    told = refused(["--output", "-", "--sequences", "3"], capsys, samples, tmp_path)
    plan, failure = told.splitlines()
    assert plan == "planned: SP 800-22 on 3 sequences: 188 hypotheses, each rejected below 5.32e-06, 0.001 in all"
    assert "ended within sequence 3 of 3: 300000 octets were read" in failure


def test_an_output_shorter_than_a_sequence_is_refused(samples, capsys, tmp_path):
    short = tmp_path / "short.bin"
    short.write_bytes(bytes(124_999))
    assert "fewer than the 1000000 bits" in refused(["--output", str(short)], capsys, samples, tmp_path)


def test_too_few_samples_are_refused(capsys, tmp_path):
    few = tmp_path / "few"
    assert main(["entropy", "emulate", SOURCE, str(few), "--samples", "999999"]) == 0
    assert "999999 samples; SP 800-90B asks for 1000000" in refused([], capsys, few, tmp_path)


def test_samples_of_another_width_are_refused(capsys, tmp_path):
    from haris.quantum.entropy.sources import read_source

    other = tmp_path / "other"
    samples = read_source(SOURCE).emulate(10, 1).samples
    type(samples)(samples.values, 4, 0.0).write(other)
    assert "samples of 4 bits, but the source gives 1" in refused([], capsys, other, tmp_path)
