import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.bell_counts import BellCounts
from haris.nouns.errors import ParameterError
from haris.quantum.families.diqkd import FAMILY
from haris.quantum.link import Link
from haris.quantum.optics.bell_receivers import BellReceivers
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.heralded_pairs import HeraldedPairs
from haris.quantum.protocols.diqkd import DIQKD
from haris.quantum.security.device_independent import chsh_fraction
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "diqkd_400m.toml"

probabilities = st.floats(0.0, 1.0)
links = st.builds(
    Link,
    st.builds(HeraldedPairs, st.just(1e6), probabilities, st.floats(0.8, 1.0) | probabilities),
    st.builds(Fibre, st.floats(0, 4e5), st.floats(0.1, 0.3), st.floats(0, 10), st.just(0.0) | st.floats(0, 0.5)),
    st.builds(BellReceivers, st.floats(0.9, 1.0) | probabilities, st.floats(0.9, 1.0) | probabilities),
    st.builds(DIQKD, st.floats(0.05, 0.95), st.integers(1, 10**14)),
    st.just(Security("asymptotic", f_ec=1.0)),
)


@settings(deadline=None)
@given(links)
def test_rates_stay_below_the_capacity_and_fall_with_loss(link):
    rate = link.rate(np.append(np.linspace(0.0, 6e5, 13), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all(np.diff(rate.key.length_bits) <= 0)
    assert rate.secret_bits_per_s[-1] == 0


@settings(deadline=None)
@given(links, st.floats(0.0, 0.1))
def test_noise_takes_key(link, noise):
    worse = dataclasses.replace(link.source, visibility=max(0.0, link.source.visibility - noise))
    assert dataclasses.replace(link, source=worse).rate().key.length_bits <= link.rate().key.length_bits


def test_the_example_gives_the_papers_fraction_of_its_rounds():
    link = Link.read(EXAMPLE)
    assert link.family is FAMILY
    key = dataclasses.replace(link, security=Security("asymptotic", f_ec=1.0)).rate().key
    rounds = 0.9 * 1e12 * 1e-6 * 10**-0.16
    assert key.length_bits == np.floor(rounds * chsh_fraction(2 * np.sqrt(2) * 0.95, 0.025))
    assert 0 < link.rate().key.length_bits < key.length_bits


def test_parts_that_do_not_fit_are_refused():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^bound must be one of asymptotic"):
        dataclasses.replace(link, security=Security("variable-length"))
    with pytest.raises(ParameterError, match=r"^p_key_round must leave"):
        DIQKD(1.0, 10)
    with pytest.raises(ParameterError, match="test_rounds and agreements must be"):
        BellCounts(1.0, np.ones(3), np.zeros(3), np.ones((2, 2)), np.zeros((2, 2)))
    with pytest.raises(ParameterError, match="agreements must lie between"):
        BellCounts(1.0, np.array(1), np.array(0), np.zeros((2, 2)), np.ones((2, 2)))
    assert BellCounts(1.0, np.array(0), np.array(0), np.zeros((2, 2)), np.zeros((2, 2))).chsh == 0.0


@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
