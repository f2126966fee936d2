"""Sampled announcements against the closed forms, and what Eve leaves in them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from haris.nouns.announcements import Announcements
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Settings
from haris.quantum.emulate.expected_announcements import expected_pair_counts
from haris.quantum.emulate.sampled_announcements import announcement_probabilities
from haris.quantum.families import mdi_qkd
from haris.quantum.link import Link
from haris.quantum.optics.bell_station import BellStation
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.mdi_qkd import MdiQkd, sifted_counts
from haris.quantum.security.curty2014 import secret_key_length
from haris.quantum.security.key_length import Security

FALSE_ALARM = 1e-6
EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "mdi_50km.toml"
LINKS = {
    "midway": Link(
        Source(1e9, (0.4, 0.1, 0.001), (0.5, 0.3, 0.2)),
        Fibre(20e3, 0.2, 1.0, 0.02),
        BellStation(0.6, 1e-4),
        MdiQkd(0.6, 10**9),
        Security("curty2014"),
    ),
    "aside, bright, noisy": Link(
        Source(1e9, (2.0, 0.7, 0.1), (0.3, 0.3, 0.4)),
        Fibre(30e3, 0.2, 0.0, 0.1),
        BellStation(0.9, 1e-2, share=0.2),
        MdiQkd(0.3, 10**9),
        Security("curty2014"),
    ),
}


def counted(link, n_pulses, seed, eve_fraction=0.0):
    alice, bob = link.emulate(n_pulses, seed, eve_fraction)
    return sifted_counts(alice, bob, link.source.intensities, link.source.p_intensities)


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_counts_agree_with_the_closed_forms(link):
    n_pulses = 10**7
    counts = counted(link, n_pulses, seed=7)
    expected = expected_pair_counts(link.source, link.channel, link.detector, link.protocol, n_pulses)
    seen = np.concatenate([counts.errors.ravel(), (counts.clicks - counts.errors).ravel()])
    mean = np.concatenate([expected.errors.ravel(), (expected.clicks - expected.errors).ravel()])
    seen, mean = seen[mean > 25], mean[mean > 25]
    assert mean.size >= 15
    # Cells are nearly independent and Poissonian: few of the pulses are announced.
    assert np.sum((seen - mean) ** 2 / mean) < chi2.isf(FALSE_ALARM, mean.size)


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_probabilities_sum_to_the_gains(link):
    p = announcement_probabilities(link.source, link.channel, link.detector, link.protocol, 0.0)
    expected = expected_pair_counts(link.source, link.channel, link.detector, link.protocol, 1.0)
    by_bases = p[0].sum(axis=(1, 4, 6))  # Alice's basis and intensity, Bob's basis and intensity
    for basis in (0, 1):
        np.testing.assert_allclose(by_bases[basis, :, basis, :], expected.clicks[basis], rtol=1e-10)


def test_the_same_seed_gives_the_same_light_and_another_gives_other():
    link = LINKS["midway"]
    (alice, bob), (again, _), (other, _) = (link.emulate(10**7, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(alice.index, again.index)
    np.testing.assert_array_equal(alice.settings.octets, again.settings.octets)
    np.testing.assert_array_equal(alice.bell, bob.bell)
    assert alice.index.size > 1000
    assert not np.array_equal(alice.index[:100], other.index[:100])


def test_an_eve_who_measures_all_of_alices_light_shows():
    link = dataclasses.replace(LINKS["midway"], channel=Fibre(20e3, 0.2))
    honest, caught = (counted(link, 10**8, 3, eve).signal_qber for eve in (0.0, 1.0))
    assert honest[0] < 0.05
    # Half of her bases are wrong, where half of the bits are; and such light is announced somewhat more often.
    assert 0.25 < caught[0] < 0.35
    counts = counted(link, 10**8, 3, 1.0)
    assert secret_key_length(counts, Security("curty2014"), 0).length_bits == 0


def test_a_sampled_block_gives_the_key_that_was_planned():
    link = Link.read(EXAMPLE)
    source, link_counts = link.source, mdi_qkd.pair_counts(link, np.asarray(link.channel.length_m))
    counts = counted(link, link.protocol.block_pulses // 100, 11)
    many = dataclasses.replace(
        counts, n_pulses=100 * counts.n_pulses, clicks=100 * counts.clicks, errors=100 * counts.errors
    )
    planned = secret_key_length(link_counts, link.security, 0)
    assert counts.intensities == source.intensities
    # A hundredth of a block, scaled: its test counts stray ten times as far as a block's.
    assert secret_key_length(many, link.security, 0).value("single") == pytest.approx(planned.value("single"), rel=0.05)


def test_no_pulses_and_every_pulse():
    link = LINKS["midway"]
    assert link.emulate(0, 1)[0].index.size == 0
    blinding = dataclasses.replace(link, detector=BellStation(1.0, 0.5))
    alice, _ = blinding.emulate(1000, 1)
    assert 200 < alice.index.size < 300  # 4/16 of all patterns of four clicks


def test_halves_of_other_announcements_are_refused():
    link = LINKS["midway"]
    alice, bob = link.emulate(10**6, 1)
    other = dataclasses.replace(bob, bell=1 - bob.bell)
    with pytest.raises(ParameterError, match="not of the same announcements"):
        sifted_counts(alice, other, link.source.intensities, link.source.p_intensities)


@pytest.mark.parametrize(
    ("index", "bell", "wanted"),
    [
        ([3, 2], [0, 1], "must ascend"),
        ([2, 9], [0, 1], "must ascend"),
        ([2, 3], [0, 2], "Bell states lie in 0..1"),
        ([2], [0, 1], "states"),
    ],
)
def test_what_is_no_announcement_is_refused(index, bell, wanted):
    with pytest.raises(ParameterError, match=wanted):
        Announcements(9, np.array(index), np.array(bell, dtype=np.uint8), Settings(np.zeros(2, dtype=np.uint8)))
