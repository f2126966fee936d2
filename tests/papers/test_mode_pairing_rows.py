"""Mode-pairing rows: how near the model comes to an experiment of which it knows distance and loss."""

import pytest

from haris.papers.claims import claims
from haris.papers.computations.mode_pairing import COMPUTATIONS
from haris.papers.published import published_row

(MODE_PAIRING,) = COMPUTATIONS


@pytest.mark.parametrize("name", ["amdi2023_413km", "amdi2023_508km"])
def test_finite_rates_are_of_the_experiments_order(name):
    row = published_row(name)
    (claim,) = claims(row, None)
    ours = MODE_PAIRING.of(row, "rate_bps")
    assert claim.holds(ours.value)
    assert 0.5 < ours.value / claim.value < 2.0
    assert MODE_PAIRING.of(row, "qber") is None
