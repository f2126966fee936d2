"""Emulated light of sending-or-not-sending against expected counts, and what Eve does to it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.sns_windows import SnsWindows
from haris.quantum.distill.sns_tally import tally
from haris.quantum.emulate import sampled_sns
from haris.quantum.emulate.sns import expected_counts
from haris.quantum.families.sns_tf import measured_counts
from haris.quantum.link import Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.sending_source import SendingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.sns import SendingOrNot
from haris.quantum.security.key_length import Security
from haris.quantum.security.sns_aopp import key_length

LINK = Link(
    SendingSource(1e9, 0.4, (0.35, 0.1), 0.6, 0.3, (0.15, 0.7, 0.15), frequency_difference_hz=300.0),
    Fibre(150e3, 0.17, 0.0, misalignment=0.01),
    Station(0.6, 1e-7, reference_interval_s=5e-5, reference_photons=50.0),
    SendingOrNot(10**9, phase_slice_rad=0.6),
    Security("aopp", f_ec=1.2),
)


def kinds(counts):
    right = counts.slice_clicks - counts.slice_errors
    return np.array([*counts.decoys, *counts.signal, right, counts.slice_errors], dtype=np.float64)


@pytest.mark.parametrize("link", [LINK, replace(LINK, channel=Fibre(0.0, 0.2, 6.0, 0.05), detector=Station(0.7, 1e-2))])
def test_sampled_counts_are_the_expected_ones(link, monkeypatch):
    # A chi-square over the 11 kinds of heralded window: fails once in 1e4 by chance; the seed is fixed.
    monkeypatch.setattr(sampled_sns, "CHUNK_WINDOWS", 2**16)
    n = 20_000_000 if link is LINK else 1_000_000
    drawn = kinds(measured_counts(link, *link.emulate(n, seed=5)))
    expected = kinds(expected_counts(link.source, link.channel, link.detector, link.protocol, n))
    assert np.sum((drawn - expected) ** 2 / (expected + 1e-9)) < chi2.isf(1e-4, 11)


def test_a_sampled_block_gives_the_key_of_the_expected_one():
    n = 300_000_000
    measured = key_length(measured_counts(LINK, *LINK.emulate(n, seed=6)), LINK.security)
    expected = key_length(expected_counts(LINK.source, LINK.channel, LINK.detector, LINK.protocol, n), LINK.security)
    assert measured.length_bits == pytest.approx(float(expected.length_bits), rel=0.2)
    assert measured.length_bits > 1e4


def test_eve_who_looks_from_where_light_comes_leaves_no_interference_and_no_key():
    counts = measured_counts(LINK, *LINK.emulate(100_000_000, 7, 1.0))
    assert counts.slice_errors / counts.slice_clicks == pytest.approx(0.5, abs=0.02)
    assert key_length(counts, LINK.security).length_bits == 0


def test_the_same_seed_gives_the_same_light_and_the_ends_share_announcements_alone():
    (alice, bob), again = LINK.emulate(1_000_000, 1), LINK.emulate(1_000_000, 1)
    assert np.array_equal(alice.window, again[0].window)
    assert np.array_equal(alice.phase_rad, again[0].phase_rad)
    assert np.array_equal(alice.window, bob.window)
    assert np.array_equal(alice.detector, bob.detector)
    assert not np.array_equal(alice.setting, bob.setting)
    other, _ = LINK.emulate(1_000_000, 2)
    assert not np.array_equal(alice.window, other.window)
    none, _ = LINK.emulate(0, 1)
    assert none.window.size == 0


def test_what_cannot_be_is_refused():
    with pytest.raises(ParameterError, match="n_pulses must be at least 0"):
        LINK.emulate(10**18, 1)
    with pytest.raises(ParameterError, match="eve_fraction"):
        LINK.emulate(10, 1, 2.0)
    alice, bob = LINK.emulate(1_000_000, 1)
    fewer = SnsWindows(bob.n_pulses, bob.window[1:], bob.detector[1:], bob.setting[1:], bob.phase_rad[1:])
    with pytest.raises(PeerError, match="different announcements"):
        tally(alice, fewer, 0.5)
    with pytest.raises(ParameterError, match="same length"):
        SnsWindows(bob.n_pulses, bob.window[1:], bob.detector, bob.setting, bob.phase_rad)
    with pytest.raises(ParameterError, match="window must ascend"):
        SnsWindows(10, bob.window, bob.detector, bob.setting, bob.phase_rad)
