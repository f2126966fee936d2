"""The measurement of continuous variables, at one rate and one frame."""

import pytest

from haris.bench import continuous
from haris.bench.contest import Conditions
from haris.bench.goals import read_goals


def test_every_setting_has_its_goals_and_a_run_gives_their_units(tmp_path):
    goals = [goal for goal in read_goals() if goal.name == "continuous"]
    contests = list(continuous.contests(Conditions(seed=1, scale=0.01, folder=tmp_path)))
    assert list(dict.fromkeys(goal.setting for goal in goals)) == [contest.setting for contest in contests]
    figures = contests[1].ours()
    assert {goal.unit for goal in goals} < set(figures)
    assert figures["beta"] == pytest.approx(continuous.EFFICIENCY)
    assert figures["frames"] == 1
    assert figures["Mvalue/s"] > 0
    assert figures["bits/value"] == pytest.approx(0.05 * (1 - figures["frame_error_rate"]))
