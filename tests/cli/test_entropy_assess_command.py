"""haris entropy assess."""

import json

import numpy as np
import pytest

from haris.cli.main import main


@pytest.fixture(scope="module")
def coins(tmp_path_factory):
    file = tmp_path_factory.mktemp("samples") / "coins.bin"
    np.random.default_rng(7).integers(0, 2, 1_000_000, np.uint8).tofile(file)
    return str(file)


def test_json_has_the_least_and_each_estimator(coins, capsys):
    assert main(["entropy", "assess", coins, "--bits", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    literal = [e["literal"]["min_entropy"] for e in report["estimators"].values()]
    assert len(literal) == 10
    assert report["min_entropy"] == min(literal)
    assert report["estimators"]["Most Common Value Estimate"]["literal"]["mode"] >= 500_000


def test_text_ends_with_the_assessed_min_entropy(coins, capsys):
    assert main(["entropy", "assess", coins, "--bits", "1"]) == 0
    out = capsys.readouterr().out
    assert "LRS Estimate" in out
    assert out.splitlines()[-1].startswith("assessed min-entropy: 0.")


def test_iid_that_is_refuted_is_told(coins, tmp_path, capsys):
    file = tmp_path / "pairs.bin"
    np.repeat(np.fromfile(coins, np.uint8)[:500_000], 2).tofile(file)
    assert main(["entropy", "assess", str(file), "--bits", "1", "--iid"]) == 0
    assert "assess them without --iid" in capsys.readouterr().out
    assert main(["entropy", "assess", str(file), "--bits", "1", "--iid", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert not report["passed"]
    assert not report["tests"]["Chi-square independence"]["passed"]
    assert report["tests"]["Permutation"]["statistics"]["compression"]["counts"] == [0, 0, 0]
    assert set(report["estimators"]) == {"Most Common Value Estimate"}


def test_a_negative_seed_is_an_input_error(coins, capsys):
    assert main(["entropy", "assess", coins, "--bits", "1", "--iid", "--seed", "-1"]) == 2


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.arange(1000, dtype=np.uint8) & 1, "holds 1000 samples; SP 800-90B asks for 1000000 or more"),
        (np.arange(1_000_000) % 3, "sample 2 is 2, which 1 bits do not hold"),
        (np.zeros(1_000_000), "no entropy"),
    ],
)
def test_bad_files_are_input_errors(tmp_path, capsys, values, says):
    file = tmp_path / "bad.bin"
    values.astype(np.uint8).tofile(file)
    assert main(["entropy", "assess", str(file), "--bits", "1"]) == 2
    assert says in capsys.readouterr().err


def test_a_file_that_is_not_there_is_an_input_error(tmp_path, capsys):
    assert main(["entropy", "assess", str(tmp_path / "none"), "--bits", "1"]) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.timeout(20)
def test_a_fifo_or_a_device_is_an_input_error(capsys):
    assert main(["entropy", "assess", "/dev/zero", "--bits", "8"]) == 2
    assert "/dev/zero is no file" in capsys.readouterr().err
