"""Every number of the rows of Gaussian modulation holds."""

import pytest

from haris.papers.claims import claims
from haris.papers.computations.gaussian_cv import COMPUTATIONS
from haris.papers.published import published_rows

ROWS = {row.id: (row, found) for row in published_rows() for found in COMPUTATIONS if found.covers(row)}


@pytest.mark.parametrize("name", ROWS)
def test_row_holds(name):
    row, computation = ROWS[name]
    for claim in claims(row, computation.side):
        ours = computation.of(row, claim.quantity)
        assert ours is not None, claim.quantity
        assert claim.holds(getattr(ours, "value", ours)), claim.quantity


def test_all_rows_that_can_be_are_covered():
    families = {name.split("_")[0] for name in ROWS}
    assert families == {"lodewyck2007", "zhang2020", "jain2022", "hajomer2024", "qosst2024", "jouguet2013"}
