"""Every row of the benchmark is measured, completely, at sizes too small to say anything about speed."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from haris.bench import amplification, reconciliation, runner
from haris.bench.contest import Conditions
from haris.bench.goals import Goal, read_goals
from haris.cli.main import main
from haris.kernels.reference import toeplitz as specification
from haris.nouns.errors import ParameterError
from haris.quantum.distill import cascade
from haris.wire.distillation import Estimate


@pytest.fixture
def conditions(tmp_path):
    return Conditions(seed=5, scale=0.002, folder=tmp_path)


def test_every_goal_has_a_complete_row(conditions, tmp_path):
    goals = read_goals()
    rows = list(runner.measure(goals, conditions, n_runs=2))
    assert [(r.name, r.setting, r.unit) for r in rows] == [(g.name, g.setting, g.unit) for g in goals]
    assert {r.name for r in rows} == set(runner.MEASUREMENTS)
    for row in rows:
        assert row.ours > 0
        assert math.isfinite(row.ours)
        assert row.met == (row.ours >= row.goal)
        assert (row.peer is None) == (row.ratio is None) == row.peer_name.startswith("none:")
        if row.peer is not None:
            assert row.ratio == pytest.approx(row.ours / row.peer)
        if row.name == "reconciliation":
            assert 1.0 < row.f < 1.4
            assert row.f_strict == pytest.approx(2 * row.f)
            assert row.frames == 2 * reconciliation.FRAMES_PER_RUN
            assert 1.0 < row.peer_f < 1.3
        if row.name == "amplification":
            assert row.isa in ("clmul", "portable")
    assert not list(tmp_path.iterdir())


def test_a_missing_row_fails(conditions):
    (goal,) = (g for g in read_goals() if g.name == "amplification")
    with pytest.raises(ParameterError, match="no row for amplification"):
        list(runner.measure([replace(goal, setting="another")], conditions, 1))
    with pytest.raises(ParameterError, match="nothing measured amplification: another"):
        list(runner.measure([goal, replace(goal, setting="another")], conditions, 1))
    with pytest.raises(ParameterError, match="in furlongs"):
        list(runner.measure([replace(goal, unit="furlongs")], conditions, 1))
    with pytest.raises(ParameterError, match="nothing measures warp"):
        list(runner.measure([Goal("warp", "9", "c", 1.0, "none: nobody")], conditions, 1))


def test_an_absent_peer_says_so(conditions, monkeypatch):
    monkeypatch.setattr(reconciliation, "PEER_MODULE", "no_such_module")
    goals = [g for g in read_goals() if g.name == "reconciliation"]
    for row in runner.measure(goals, conditions, 1):
        assert row.peer is None
        assert row.ratio is None
        assert row.peer_name.endswith("not installed")


def test_the_fourier_hash_is_the_specification():
    rng = np.random.default_rng(3)
    key, seed = rng.integers(0, 2, 301, dtype=np.uint8), rng.integers(0, 2, 301 + 99, dtype=np.uint8)
    assert np.array_equal(amplification.fourier_hash(key, seed), specification(key, seed, 100))


def test_reconcile_corrects_and_counts_both_ways():
    rng = np.random.default_rng(4)
    alice = rng.integers(0, 2, 20_000, dtype=np.uint8)
    bob = alice ^ (rng.random(20_000) < 0.02).astype(np.uint8)
    estimate = Estimate(test_errors=(0,), seed=bytes(32), levels=cascade.schedule(0.02, 20_000))
    corrected, usual, strict = reconciliation.reconcile(alice, bob, estimate)
    assert np.array_equal(corrected, alice)
    assert strict == 2 * usual > 20_000 * reconciliation.binary_entropy(0.02)


def test_the_command_prints_json_and_a_table(capsys, tmp_path):
    assert main(["bench", "amplification", "--runs", "1", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert {"name", "setting", "ours", "unit", "peer", "peer_name", "ratio", "goal", "met", "isa"} <= set(row)
    assert main(["bench", "store", "--runs", "1", "--folder", str(tmp_path)]) == 0
    assert "reserve, announce, deliver" in capsys.readouterr().out
    assert main(["bench", "warp"]) == 2
    assert "'warp'" in capsys.readouterr().err
    assert main(["bench", "store", "--folder", str(tmp_path / "none")]) == 2
