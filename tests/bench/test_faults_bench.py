"""How soon faults are caught: every row has its contest, and each kind of them is within what is stated."""

import pytest

from haris.bench import faults
from haris.bench.contest import Conditions
from haris.bench.goals import read_goals
from haris.nouns.errors import HarisError


def test_every_fault_has_a_row_and_is_caught_in_time(tmp_path):
    contests = {each.setting: each for each in faults.contests(Conditions(seed=5, scale=0.01, folder=tmp_path))}
    assert list(contests) == [goal.setting for goal in read_goals() if goal.name == "faults"]
    for setting in ("tone, vacuum", "detector-replayed, mdi"):
        assert 0.0 < contests[setting].ours()[faults.UNIT] <= 1.0


def test_a_fault_that_nothing_catches_is_no_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "emulate_fault", lambda source, n, seed, fault, first: source.emulate(2**17, seed))
    contest = next(iter(faults.contests(Conditions(seed=5, scale=0.01, folder=tmp_path))))
    with pytest.raises(HarisError, match="stuck-bit: nothing failed"):
        contest.ours()
