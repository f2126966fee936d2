"""Every number of the rows of random numbers holds."""

import pytest

from haris.papers.claims import claims
from haris.papers.computations.random_numbers import COMPUTATIONS
from haris.papers.published import published_rows

ROWS = {row.id: (row, found) for row in published_rows() for found in COMPUTATIONS if found.covers(row)}


def test_all_rows_are_covered():
    assert {f"haw2015_worstcase_hmin_{bits}bit" for bits in (8, 10, 16)} <= set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_row_holds(name):
    row, computation = ROWS[name]
    for claim in claims(row, computation.side):
        ours = computation.of(row, claim.quantity)
        assert ours is not None
        assert claim.holds(ours.value), claim.quantity
