"""tools/performance.py: rows of the benchmark to docs/performance.md."""

import importlib.util
import json
from pathlib import Path

import pytest

from haris.bench.goals import read_goals

ROOT = Path(__file__).resolve().parent.parent


def _tool():
    spec = importlib.util.spec_from_file_location("performance", ROOT / "tools" / "performance.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


performance = _tool()


def _row(goal, ours=2.0):
    row = {"name": goal.name, "setting": goal.setting, "unit": goal.unit, "ours": ours, "peer": None, "ratio": None}
    row |= {"peer_name": goal.peer, "goal": goal.goal, "sense": goal.sense, "met": False}
    return row | {"processor": "Analytical Engine, 2 cores", "runs": 3, "scale": 1.0}


def test_the_later_file_stands_and_the_order_is_that_of_the_goals(tmp_path):
    rows = [_row(goal) for goal in read_goals()]
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    first.write_text(json.dumps(rows[::-1]))
    second.write_text(json.dumps([_row(read_goals()[3], ours=7.0) | {"met": True, "peer": 2.0, "ratio": 3.5}]))
    joined = performance.joined([first, second])
    assert [performance.key_of(row) for row in joined] == [performance.key_of(row) for row in rows]
    page = performance.page(joined)
    assert f"1 of {len(rows)} goals are met." in page
    assert "| 2 | 3.5 |" in page


def test_a_goal_that_was_not_measured_is_named(tmp_path):
    (tmp_path / "1.json").write_text(json.dumps([_row(goal) for goal in read_goals()[1:]]))
    with pytest.raises(SystemExit, match=r"not measured: light, 1 GHz, 100 km, 0.2 dB/km, light s/s"):
        performance.joined([tmp_path / "1.json"])


@pytest.mark.skipif(not performance.KEPT.exists(), reason="nothing was measured yet")
def test_the_page_is_made_from_the_rows_that_are_kept():
    assert performance.PAGE.read_text(encoding="utf-8") == performance.page(json.loads(performance.KEPT.read_text()))
