"""Every row of space is measured, at sizes too small to say anything about speed."""

import pytest

from haris.bench import runner, satquma
from haris.bench.contest import Conditions
from haris.bench.goals import read_goals
from haris.nouns.errors import ParameterError

GOALS = [goal for goal in read_goals() if goal.name == "space"]


def test_every_row_is_measured(tmp_path, monkeypatch):
    monkeypatch.delenv(satquma.ENVIRONMENT, raising=False)
    rows = list(runner.measure(GOALS, Conditions(seed=5, scale=0.004, folder=tmp_path), n_runs=1))
    assert [(row.setting, row.unit) for row in rows] == [(goal.setting, goal.unit) for goal in GOALS]
    assert all(row.ours > 0.0 for row in rows)
    assert all(row.met is not None for row in rows)


def test_the_peer_is_asked_with_our_settings(tmp_path, monkeypatch):
    folder = tmp_path / "key" / "protocols"
    folder.mkdir(parents=True)
    program = folder / "key_efficient_BB84.py"
    program.write_text("def key_length(x, args):\n    return sum(x) + args['FSeff'].sum(), 0\n")
    monkeypatch.setenv(satquma.ENVIRONMENT, str(tmp_path))
    run = satquma.peer((0.5, 0.25), {"FSeff": [1.0, 2.0]}, 3)
    assert run()["secret bits"] == 3.75
    program.write_text("raise SystemExit(3)\n")
    with pytest.raises(ParameterError, match="ended with 3"):
        run()
    monkeypatch.setenv(satquma.ENVIRONMENT, str(tmp_path / "none"))
    with pytest.raises(ParameterError, match="no folder of SatQuMA"):
        satquma.peer((), {}, 1)
