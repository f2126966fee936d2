"""Rows of satellites: each number is met, and what was assumed is told."""

import pytest

from haris.papers.claims import claims
from haris.papers.computation import Ours
from haris.papers.computations import COMPUTATIONS
from haris.papers.published import published_row

ROWS = ["liao2017_micius_pass_geometry", "liao2017_micius_pass_key", "liao2017_micius_link_loss"]
ROWS += ["schmittmanderbach2007_144km", "fedrizzi2009_144km", "yin2020_micius_two_downlinks"]
ROWS += [f"itu_p1622_t2_v{wind}_{nm}nm" for wind in (21, 30) for nm in (532, 850, 1550)]
ROWS += [f"hv57_{nm}nm" for nm in (500, 850, 1550)]


@pytest.mark.parametrize("name", ROWS)
def test_the_numbers_of_the_row_are_met(name):
    row = published_row(name)
    (found,) = (each for each in COMPUTATIONS if each.covers(row))
    stated = list(claims(row))
    assert stated
    for claim in stated:
        ours = found.of(row, claim.quantity)
        value = ours.value if isinstance(ours, Ours) else ours
        assert claim.holds(value), (claim, value)
    assert found.of(row, "colour") is None


def test_the_key_of_the_pass_says_what_it_assumes():
    row = published_row("liao2017_micius_pass_key")
    (found,) = (each for each in COMPUTATIONS if each.covers(row))
    assert "visibility of 6 km" in found.of(row, "sifted_bits").explanation
