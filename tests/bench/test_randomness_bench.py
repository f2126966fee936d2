"""Every row of entropy is measured, at sizes too small to say anything about speed."""

import pytest

from haris.bench import runner
from haris.bench.contest import Conditions
from haris.bench.goals import read_goals
from haris.bench.randomness import PROGRAMS
from haris.nouns.errors import ParameterError

GOALS = [goal for goal in read_goals() if goal.name == "randomness"]


def test_every_row_is_measured_and_shares_sum_to_one(tmp_path, monkeypatch):
    for variable in PROGRAMS.values():
        monkeypatch.delenv(variable, raising=False)
    rows = list(runner.measure(GOALS, Conditions(seed=5, scale=0.02, folder=tmp_path), n_runs=1))
    assert [(row.setting, row.unit) for row in rows] == [(goal.setting, goal.unit) for goal in GOALS]
    assert all(row.ours > 0.0 for row in rows)
    for setting in {row.setting for row in rows if "everything on" in row.setting}:
        shares = [row.ours for row in rows if row.setting == setting and row.unit.startswith("share")]
        assert len(shares) == (3 if setting.startswith("vacuum") else 2)
        assert sum(shares) == pytest.approx(1.0)
    for row in rows:
        assert (row.met is None) == row.peer_name.endswith("names none")


def test_nist_s_program_is_timed(tmp_path, monkeypatch):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n[ $1 = -i ] && [ $2 = -a ] && [ -s $3 ] && [ $4 = 8 ]\n")
    program.chmod(0o755)
    for variable in PROGRAMS.values():
        monkeypatch.setenv(variable, str(program))
    tracks = [goal for goal in GOALS if "90B" in goal.setting]
    conditions = Conditions(seed=5, scale=0.01, folder=tmp_path)
    contests = {contest.setting: contest for contest in runner.MEASUREMENTS["randomness"](conditions)}
    for goal in tracks:
        assert contests[goal.setting].peer()["Msample/s"] > 0.0
    program.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(ParameterError, match="ended with 3"):
        contests[tracks[0].setting].peer()
    program.unlink()
    with pytest.raises(ParameterError, match="is no program"):
        contests[tracks[0].setting].peer()
