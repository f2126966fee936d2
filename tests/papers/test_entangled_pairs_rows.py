"""Entangled pairs: what the rows' printed inputs pin down."""

import dataclasses
from pathlib import Path

import pytest

from haris.papers import yin2020
from haris.papers.published import published_row
from haris.quantum.link import Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[2] / "examples" / "links" / "bbm92_100km.toml"


def test_yin2020_finite_key_lies_between_the_two_readings_of_epsilon():
    # Exact tails at epsilon and at its square; the paper's own tail is not known to us.
    row = published_row("yin2020_micius_1120km")
    sifted, f_ec, epsilon = row["assumed_sifted_bits"], row["f_ec"], row["eps"]
    strict, loose = (yin2020.finite_key_bits(sifted, row["qber"], f_ec, e) for e in (epsilon**2, epsilon))
    assert strict < row["published_key_bits"] < loose
    most = row["max_qber_for_positive_finite_key"]
    assert yin2020.finite_key_bits(sifted, most, f_ec, epsilon) > 0
    assert yin2020.finite_key_bits(sifted, most + 0.01, f_ec, epsilon) < 0


@pytest.mark.parametrize("name", ["bbm92_200km_ultrabright", "bbm92_40km_energytime", "bbm92_26km_freqbin"])
def test_experiments_stay_below_perfect_parts(name):
    # Perfect detectors, windows of 200 ps and the best brightness: of one channel, so that nine are not needed for it.
    row = published_row(name)
    perfect = dataclasses.replace(
        Link.read(EXAMPLE),
        channel=Fibre(row["distance_km"] * 1e3, 0.2),
        detector=PairReceivers(1.0, 1.0, 0.0, 0.0),
        security=Security("asymptotic", f_ec=1.0),
    )
    assert 0.0 < row["published_rate_bps"] < perfect.rate(optimise=True).secret_bits_per_s
