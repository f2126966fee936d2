"""The examples of passes run as they stand, and give what their heads say."""

from pathlib import Path

import pytest

from haris.quantum.space.scenario import Scenario

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "space").glob("*.toml"))
DOWN_OR_UP = [path for path in EXAMPLES if not path.stem.startswith("crosslink")]


@pytest.mark.parametrize("path", DOWN_OR_UP, ids=lambda path: path.stem)
def test_each_gives_a_key_by_night_and_none_by_day(path):
    keys = Scenario.read(path).keys(0.0)
    assert any(key.secret_bits > 0 for key in keys)
    for key in keys:
        assert (key.secret_bits > 0) == (key.reason == "")
        if key.slots.sun_elevation_deg.max() > 0.0:
            assert key.secret_bits == 0


def test_a_pass_of_a_microsatellite_gives_what_was_published():
    # Li et al., Nature 640, 47 (2025): 0.59 and 1.07 Mbit.
    (path,) = (each for each in EXAMPLES if each.stem == "jinan1_like")
    best = max(key.secret_bits for key in Scenario.read(path).keys(0.0))
    assert 0.3e6 < best < 1.5e6
