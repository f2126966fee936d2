"""The rates of passive state preparation come from the assumed link that is an example, too."""

from dataclasses import replace
from pathlib import Path

import pytest

from haris.papers.claims import claims
from haris.papers.computations.passive_cv import COMPUTATIONS
from haris.papers.published import published_row
from haris.quantum.link import Link
from haris.quantum.security.key_length import Security

ROW = published_row("ji2024_psp_5km")
LINK = Link.read(Path(__file__).parents[2] / "examples" / "links" / "ji2024_5km.toml")


def ours(quantity):
    (found,) = (each for each in COMPUTATIONS if each.covers(ROW))
    return found.of(ROW, quantity)


def test_every_number_of_the_row_is_met_and_called_a_fit():
    for claim in claims(ROW):
        assert ours(claim.quantity).value == pytest.approx(claim.value, rel=2e-3)
        assert "A fit" in ours(claim.quantity).explanation
    assert ours("qber") is None


def test_the_example_is_the_link_that_is_computed():
    assert LINK.rate().secret_bits_per_s == pytest.approx(ours("finite_rate_bps").value, rel=1e-9)
    endless = replace(LINK, protocol=replace(LINK.protocol, p_estimation=0.0), security=Security("asymptotic"))
    assert endless.rate().secret_bits_per_s == pytest.approx(ours("asym_rate_bps").value, rel=1e-4)
