import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.quantum.families.b92 import FAMILY, conclusive_counts
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.single_photon_source import SinglePhotonSource
from haris.quantum.optics.source import Source
from haris.quantum.protocols.b92 import B92
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "b92_5km.toml"

links = st.builds(
    Link,
    st.builds(SinglePhotonSource, st.just(1e8), st.floats(0, 1)),
    st.builds(Fibre, st.floats(0, 3e4), st.floats(0.1, 0.3), st.floats(0, 3), st.floats(0, 0.02) | st.floats(0, 0.5)),
    st.builds(Detector, st.floats(0, 1), st.floats(0, 1e-4) | st.floats(0, 1), st.floats(0, 1e-7)),
    st.builds(B92, st.floats(0.01, 0.99), st.integers(1, 10**13)),
    st.builds(Security, st.just("asymptotic"), f_ec=st.floats(1.0, 2.2)),
)


@settings(deadline=None)
@given(links)
def test_no_link_raises_or_passes_the_capacity(link):
    rate = link.rate(np.append(np.linspace(0.0, 6e4, 13), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all((rate.qber >= 0) & (rate.qber <= 1))
    assert all(np.all(np.isfinite(term.value)) for term in rate.key.terms)
    assert rate.secret_bits_per_s[-1] == 0
    assert np.all(np.diff(rate.key.length_bits) <= 1)


@settings(deadline=None)
@given(links, st.floats(1.0, 100.0))
def test_misalignment_never_helps(link, more):
    here = link.rate().key.length_bits
    turned = dataclasses.replace(link.channel, misalignment=min(0.5, link.channel.misalignment * more))
    assert dataclasses.replace(link, channel=turned).rate().key.length_bits <= here + 1


def test_dark_counts_take_key_until_none_is_left():
    link = Link.read(EXAMPLE)
    lengths = [
        int(dataclasses.replace(link, detector=Detector(0.9, p_dark)).rate().key.length_bits)
        for p_dark in (0.0, 1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 0 == lengths[-1]


def test_counts_are_those_of_photons_drawn_one_by_one():
    # 4e5 photons: beyond 5 sigma in one of three numbers is a false alarm with probability below 2e-6.
    rng, n = np.random.default_rng(5), 400_000
    link = Link(
        SinglePhotonSource(1e8, 0.8), Fibre(0.0, 0.2, misalignment=0.05), Detector(0.7, 0.03), B92(0.6, n),
        Security("asymptotic"),
    )  # fmt: skip
    half = np.arccos(0.6) / 2  # the states lie at plus and minus this angle
    sent, looked_for = rng.integers(2, size=(2, n))
    angle = half * ((-1.0) ** sent - (-1.0) ** looked_for)
    orthogonal = (rng.random(n) < np.sin(angle) ** 2) ^ (rng.random(n) < 0.05)
    there = rng.random(n) < 0.8 * 0.7
    fires = [(there & orthogonal) | (rng.random(n) < 0.03), (there & ~orthogonal) | (rng.random(n) < 0.03)]
    decides = fires[0] & (~fires[1] | (rng.random(n) < 0.5))
    drawn = np.sum(fires[0] | fires[1]), np.sum(decides), np.sum(decides & (looked_for == sent))
    counts = conclusive_counts(link, np.float64(0.0))
    expected = np.array([counts.clicks, counts.conclusive, counts.errors])
    assert np.all(np.abs(expected - drawn) < 5 * np.sqrt(expected))


def test_key_ends_where_the_loss_passes_the_overlap():
    perfect = Link(
        SinglePhotonSource(1e8), Fibre(0.0, 0.2), Detector(1.0, 0.0), B92(0.8, 10**12), Security("asymptotic")
    )
    end_m = -10 * np.log10(1 - 0.8) / 0.2 * 1e3
    assert (perfect.rate(np.array([0.98, 1.02]) * end_m).key.length_bits > 0).tolist() == [True, False]


def test_pulses_in_the_dead_time_count_as_lost():
    link = Link.read(EXAMPLE)
    slow = dataclasses.replace(link, detector=dataclasses.replace(link.detector, dead_time_s=20e-9))
    assert slow.rate().key.value("loss") == pytest.approx(1 - 0.50043 / (1 + 2 * 0.50043), rel=1e-3)
    assert slow.rate().key.length_bits < link.rate().key.length_bits


def test_the_example_gives_key_and_its_overlap_can_be_chosen():
    link = Link.read(EXAMPLE)
    assert link.family is FAMILY
    rate = link.rate()
    assert 1e5 < rate.key.length_bits < link.protocol.block_pulses * rate.plob_per_pulse
    assert not rate.key.proof.finite
    best = link.rate([10e3], optimise=True)
    assert best.secret_bits_per_pulse[0] > link.rate(10e3).secret_bits_per_pulse
    assert 0.85 < best.settings["overlap"][0] < 0.92


def test_what_does_not_fit_is_refused_and_what_is_ignored_is_told():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^source of b92 is a SinglePhotonSource"):
        dataclasses.replace(link, source=Source(1e9, (0.5,), (1.0,)))
    with pytest.raises(ParameterError, match=r"^overlap must lie between 0 and 1"):
        B92(1.0, 1)
    with pytest.raises(ParameterError, match=r"^efficiency must lie in"):
        SinglePhotonSource(1e8, 1.1)
    with pytest.raises(ParameterError, match=r"^gate_s must not pass the period"):
        dataclasses.replace(link, detector=Detector(0.5, 1e-7, gate_s=2e-6))
    with pytest.warns(ParameterWarning, match=r"^b92 ignores detector.p_afterpulse = 0.1"):
        dataclasses.replace(link, detector=Detector(0.5, 1e-7, p_afterpulse=0.1))


@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
