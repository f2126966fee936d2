"""Published rates stay below the capacity of their channel."""

import pytest

from haris.papers.published import published_row, published_rows
from haris.quantum.security.limits import plob

BOARON = [row.id for row in published_rows() if row.id.startswith("boaron2018")]


@pytest.mark.parametrize("name", BOARON)
def test_boaron2018_stays_below_plob(name):
    row = published_row(name)
    limit = plob(10 ** (-row.number("loss_db") / 10))
    assert row.number("published_skr_bps") < row.number("clock_hz") * limit


@pytest.mark.parametrize("name", ["li2023_115mbps_10km", "grunenfelder2023_64mbps_10km"])
def test_the_fastest_links_stay_below_plob(name):
    row = published_row(name)
    loss_db = row.number("assumed_fibre_db_per_km") * row.number("distance_km")
    clock_hz = row.number("clock_hz", 2.5e9)
    assert row.number("published_rate_bps") < clock_hz * plob(10 ** (-loss_db / 10))
