"""Rows of distributed phases and of quadratures at a relay: each number is met, and a fit is called one."""

import pytest

from haris.papers.claims import claims
from haris.papers.computation import Ours
from haris.papers.computations import COMPUTATIONS
from haris.papers.published import published_row


@pytest.mark.parametrize(
    "name",
    [
        "mizutani2023_dps_77km",
        "mizutani2024_dps_scaling",
        "rrdps_leakage_L3_one_photon",
        "cvmdi_decoder_side_zero_crossing_tau",
    ],
)
def test_the_numbers_of_the_row_are_met(name):
    row = published_row(name)
    (found,) = (each for each in COMPUTATIONS if each.covers(row))
    for claim in claims(row):
        ours = found.of(row, claim.quantity)
        value = ours.value if isinstance(ours, Ours) else ours
        assert claim.holds(value), (claim, value)
        assert found.of(row, "qber") is None
        if any(key.startswith("fitted_") for key in row.values):
            assert "A fit" in ours.explanation
