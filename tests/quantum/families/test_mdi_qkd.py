"""Measurement-device-independent QKD as a family of links."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.distill.mdi_block import _message
from haris.quantum.families.mdi_qkd import _octets_told
from haris.quantum.link import Link
from haris.quantum.optics.bell_station import BellStation
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.mdi_qkd import MdiQkd
from haris.quantum.security.key_length import Security
from haris.wire.distillation import encode

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "mdi_50km.toml"
SOURCE = Source(1e9, (0.3, 0.07, 0.001), (0.45, 0.4, 0.15))
BOUNDS = ["curty2014", "asymptotic"]

links = st.builds(
    Link,
    st.sampled_from(
        [SOURCE, Source(1e9, (0.6, 0.2, 0.0), (0.4, 0.4, 0.2)), Source(1e6, (30.0, 2.0, 1.0), (0.5, 0.3, 0.2))]
    ),
    st.builds(Fibre, st.floats(0, 4e5), st.floats(0.1, 0.3), st.floats(0, 10), st.floats(0, 0.5)),
    st.builds(BellStation, st.floats(0, 1), st.floats(0, 1e-2), st.floats(0, 1)),
    st.builds(MdiQkd, st.floats(0.05, 0.95), st.integers(1, 10**15)),
    st.builds(Security, st.sampled_from(BOUNDS), st.floats(1e-15, 1e-3), st.just(1e-15), st.floats(1.0, 1.3)),
)


def with_bound(link, bound):
    return dataclasses.replace(link, security=dataclasses.replace(link.security, bound=bound))


@settings(deadline=None)
@given(links)
def test_any_link_has_a_rate_below_plob(link):
    rate = link.rate(np.append(np.linspace(0.0, 6e5, 7), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse >= 0)
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert all(np.all(np.isfinite(term.value)) for term in rate.key.terms)
    assert rate.secret_bits_per_pulse[-1] == 0


@settings(deadline=None)
@given(links, st.floats(1.0, 100.0))
def test_dark_counts_and_misalignment_never_help(link, more):
    worse = dataclasses.replace(link.detector, p_dark=link.detector.p_dark * more)
    assert dataclasses.replace(link, detector=worse).rate().key.length_bits <= link.rate().key.length_bits
    turned = dataclasses.replace(link.channel, misalignment=min(0.5, link.channel.misalignment * more))
    assert dataclasses.replace(link, channel=turned).rate().key.length_bits <= link.rate().key.length_bits


@settings(deadline=None)
@given(links)
def test_finite_is_below_asymptotic_term_by_term(link):
    finite, endless = (with_bound(link, bound).rate(np.linspace(0.0, 3e5, 7)).key for bound in BOUNDS)
    assert np.all(finite.length_bits <= endless.length_bits)
    assert np.all(finite.value("single") <= endless.value("single") + 1)
    alive = finite.value("single") > 0
    assert np.all(finite.value("phase_error")[alive] >= endless.value("phase_error")[alive] * (1 - 1e-9))


@pytest.mark.parametrize("bound", BOUNDS)
def test_key_falls_with_distance_and_ends(bound):
    link = with_bound(Link.read(EXAMPLE), bound)
    length = link.rate(np.linspace(0.0, 4e5, 81)).key.length_bits
    assert np.all(np.diff(length) <= 0)
    assert length[0] > 0
    assert length[-1] == 0


def test_a_sweep_equals_its_points():
    link = Link.read(EXAMPLE)
    distances_m = np.array([[0.0, 10e3], [40e3, 500e3]])
    sweep = link.rate(distances_m)
    assert sweep.secret_bits_per_s.shape == sweep.qber.shape == (2, 2)
    for index, d in np.ndenumerate(distances_m):
        assert link.rate(d).key.length_bits == sweep.key.length_bits[index]


def test_the_station_may_stand_anywhere():
    link = Link.read(EXAMPLE)
    rates = [
        dataclasses.replace(link, detector=dataclasses.replace(link.detector, share=share)).rate().key.length_bits
        for share in (0.2, 0.5, 0.8)
    ]
    assert rates[0] == rates[2] < rates[1]
    arm_a, arm_b = BellStation(0.1, 0.0, share=0.2).arms(Fibre(100e3, 0.2, fixed_loss_db=2.0))
    assert -10 * np.log10([arm_a, arm_b]) == pytest.approx([5.0, 17.0])


def test_the_best_settings_give_more():
    link = Link.read(EXAMPLE)
    best = link.rate(np.array([20e3, 50e3]), optimise=True)
    assert np.all(best.key.length_bits > link.rate(np.array([20e3, 50e3])).key.length_bits)
    assert best.settings["intensity 1"][0] > best.settings["intensity 2"][0] > 0.001


def test_the_example_gives_key():
    link = Link.read(EXAMPLE)
    assert link.rate().key.length_bits > 1e5
    assert link.rate().secret_bits_per_pulse < link.rate().plob_per_pulse


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("share = 0.5", "share = 1.5", r"\[detector\]: share must lie in \[0, 1\], got 1.5"),
        ('name = "mdi-qkd"', 'name = "mdi"', r"\[protocol\] needs name = "),
        ("[0.3, 0.07, 0.001]", "[0.3, 0.07]", "2 intensities, but 3 p_intensities"),
        ("p_key_basis = 0.5", "p_key_basis = 1", "p_key_basis must leave both bases some pulses"),
    ],
)
def test_a_wrong_file_is_told_where(tmp_path, old, new, wanted):
    text = EXAMPLE.read_text()
    assert old in text
    path = tmp_path / "link.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(ParameterError, match=wanted):
        Link.read(path)


def test_a_block_of_too_many_announcements_for_a_message_is_refused_before_there_is_light():
    link = Link.read(EXAMPLE)
    with pytest.raises(
        ParameterError, match=r"mdi_50km\.toml: block_pulses must be at most 7\.2e\+11 here for live keys"
    ):
        Link.read_live(EXAMPLE)
    small = dataclasses.replace(link, protocol=dataclasses.replace(link.protocol, block_pulses=10**9))
    half, _ = small.emulate(10**9, 1)
    told = len(encode(_message(bytes(16), bytes(32), half)))
    assert told == pytest.approx(_octets_told(small), rel=0.02)
