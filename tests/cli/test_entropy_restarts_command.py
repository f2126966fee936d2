"""haris entropy restarts and haris entropy conditioning. Values of NIST's own tools, commit 68ed165."""

import json
import os

import numpy as np
import pytest

from haris.cli.main import main


@pytest.fixture(scope="module")
def restarts(tmp_path_factory):
    file = tmp_path_factory.mktemp("restarts") / "restarts.bin"
    rng = np.random.default_rng(5)
    rng.choice(8, p=[0.3] + [0.1] * 7, size=1_000_000).astype(np.uint8).tofile(file)
    return str(file)


def test_restarts_keep_what_nists_tool_keeps(restarts, capsys):
    """ea_restart -n -v FILE 3 1.6: X_max 344, H_r 1.702512, H_c 1.727501. Its cutoff of 399 is a simulation's."""
    assert main(["entropy", "restarts", restarts, "--bits", "3", "--min-entropy", "1.6", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["x_max"], found["x_cutoff"], found["passed"], found["min_entropy"]) == (344, 400, True, 1.6)
    assert found["h_rows"] == pytest.approx(1.702512, abs=5e-7)
    assert found["h_columns"] == pytest.approx(1.727501, abs=5e-7)


def test_restarts_by_the_iid_track(restarts, capsys):
    """ea_restart -i -v: 1.733767 both ways."""
    assert main(["entropy", "restarts", restarts, "--bits", "3", "--min-entropy", "1.6", "--iid"]) == 0
    out = capsys.readouterr().out
    assert "rows 1.733767, columns 1.733767" in out
    assert "restart tests passed: min-entropy 1.600000 bits" in out


def test_a_source_that_starts_alike_is_told_by_the_exit_code(tmp_path, capsys):
    matrix = np.random.default_rng(9).integers(0, 4, (1000, 1000), np.uint8)
    matrix[:, 3] = 1
    matrix.tofile(tmp_path / "alike.bin")
    file = str(tmp_path / "alike.bin")
    assert main(["entropy", "restarts", file, "--bits", "2", "--min-entropy", "1.9", "--iid"]) == 1
    assert "restart tests FAILED: min-entropy 0.000000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("size", "arguments", "says"),
    [
        (999_999, ["--bits", "3", "--min-entropy", "1"], "holds 999999 samples"),
        (1_000_000, ["--bits", "1", "--min-entropy", "1"], "values must be below 2"),
        (1_000_000, ["--bits", "3", "--min-entropy", "3.1"], "h_initial must lie in"),
        (1_000_000, ["--bits", "9", "--min-entropy", "3"], "--bits must lie in"),
    ],
)
def test_bad_restarts_are_input_errors(tmp_path, capsys, size, arguments, says):
    (np.arange(size) % 8).astype(np.uint8).tofile(tmp_path / "restarts.bin")
    assert main(["entropy", "restarts", str(tmp_path / "restarts.bin"), *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_fifo_holds_no_restarts(tmp_path, capsys):
    os.mkfifo(tmp_path / "fifo")
    assert main(["entropy", "restarts", str(tmp_path / "fifo"), "--bits", "3", "--min-entropy", "1"]) == 2
    assert "is no file: record the samples of 1000 restarts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("n_in", "n_out", "n_inner", "h_in", "h_out"),
    [
        (512, 256, 256, 300, 255.9999999999999179961),
        (1000, 128, 128, 128, 127.0),
        (64, 32, 16, 20, 15.9125384536784364722),
        (256, 256, 256, 256, 251.689764568727055119),
        (2048, 512, 512, 511.5, 510.728446696836388019),
        (10, 5, 7, 3, 2.71434467991565858691),
    ],
)
def test_conditioning_as_nists_tool(capsys, n_in, n_out, n_inner, h_in, h_out):
    """ea_conditioning -v N_IN N_OUT NW H_IN."""
    widths = ["--n-in", n_in, "--n-out", n_out, "--n-inner", n_inner, "--h-in", h_in]
    assert main(["entropy", "conditioning", *map(str, widths), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["h_out"] == pytest.approx(h_out, rel=1e-12)


def test_conditioning_that_is_not_vetted(capsys):
    given = ["--n-in", "512", "--n-out", "256", "--n-inner", "256", "--h-in", "300", "--h-output", "0.9"]
    assert main(["entropy", "conditioning", *given]) == 0
    assert "(not vetted): 230.400000 of 256 bits" in capsys.readouterr().out
    assert main(["entropy", "conditioning", *given[:-1], "1.5"]) == 2
