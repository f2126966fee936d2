"""Emulated light of mode pairing against expected counts, and what Eve does to it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.mode_windows import ModeWindows
from haris.quantum.distill.mode_tally import tally
from haris.quantum.emulate import sampled_modes
from haris.quantum.emulate.mode_pairs import expected_counts
from haris.quantum.families.mode_pairing import measured_counts
from haris.quantum.link import Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pairing_source import PairingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.mode_pairing import ModePairing
from haris.quantum.security.key_length import Security
from haris.quantum.security.mode_pairing import key_length

LINK = Link(
    PairingSource(1e9, (0.5, 0.1), (0.3, 0.3, 0.4), 2e5, 1e4),
    Fibre(50e3, 0.2, 0.0, misalignment=0.01),
    Station(0.7, 1e-6, phase_drift_rad_per_s=1e4),
    ModePairing(10**9, 200, phase_slice_rad=0.6),
    Security("mode-pairs", 1e-3, f_ec=1.2),
)
NEAR = replace(
    LINK, channel=Fibre(0.0, 0.2, 6.0, 0.05), detector=Station(0.7, 1e-2), protocol=ModePairing(10**9, 3, 1.0)
)


def kinds(counts):
    z = counts.z.astype(float).ravel() - [float(counts.key_errors), *[0.0] * 8]
    right = counts.slice_clicks - counts.slice_errors
    return np.array([*z, counts.key_errors, *counts.lone, right, counts.slice_errors], dtype=np.float64)


@pytest.mark.parametrize(("link", "n"), [(LINK, 40_000_000), (NEAR, 2_000_000)])
def test_sampled_counts_are_the_expected_ones(link, n, monkeypatch):
    # A chi-square over the 14 kinds of pair: fails once in 1e4 by chance; the seed is fixed.
    monkeypatch.setattr(sampled_modes, "CHUNK_WINDOWS", 2**16)
    drawn = kinds(measured_counts(link, *link.emulate(n, seed=5)))
    expected = kinds(expected_counts(link.source, link.channel, link.detector, link.protocol, n))
    likely = expected > 1.0  # two dark counts are not
    assert likely.sum() >= 11
    assert np.sum((drawn - expected)[likely] ** 2 / expected[likely]) < chi2.isf(1e-4, likely.sum())


def test_a_sampled_block_gives_the_key_of_the_expected_one():
    n, link = 60_000_000, replace(LINK, channel=replace(LINK.channel, length_m=5e3))
    measured = key_length(measured_counts(link, *link.emulate(n, seed=6)), link.security)
    expected = key_length(expected_counts(link.source, link.channel, link.detector, link.protocol, n), link.security)
    assert measured.length_bits == pytest.approx(float(expected.length_bits), rel=0.15)
    assert measured.length_bits > 1e4


def test_eve_who_looks_from_where_light_comes_leaves_no_interference_and_no_key():
    counts = measured_counts(LINK, *LINK.emulate(30_000_000, 7, 1.0))
    assert counts.slice_errors / counts.slice_clicks == pytest.approx(0.5, abs=0.02)
    assert key_length(counts, LINK.security).length_bits == 0


def test_the_same_seed_gives_the_same_light_and_the_ends_share_announcements_alone():
    (alice, bob), again = LINK.emulate(1_000_000, 1), LINK.emulate(1_000_000, 1)
    assert np.array_equal(alice.window, again[0].window)
    assert np.array_equal(bob.phase_rad, again[1].phase_rad)
    assert np.array_equal(alice.window, bob.window)
    assert np.array_equal(alice.detector, bob.detector)
    assert not np.array_equal(alice.intensity, bob.intensity)
    other, _ = LINK.emulate(1_000_000, 2)
    assert not np.array_equal(alice.window, other.window)
    none, _ = LINK.emulate(0, 1)
    assert none.window.size == 0
    assert measured_counts(LINK, none, none).sifted == 0


def test_what_cannot_be_is_refused():
    with pytest.raises(ParameterError, match="n_pulses must be at least 0"):
        LINK.emulate(10**18, 1)
    with pytest.raises(ParameterError, match="eve_fraction"):
        LINK.emulate(10, 1, 2.0)
    alice, bob = LINK.emulate(1_000_000, 1)
    fewer = ModeWindows(bob.n_pulses, bob.window[1:], bob.detector[1:], bob.intensity[1:], bob.phase_rad[1:])
    with pytest.raises(PeerError, match="different announcements"):
        tally(alice, fewer, LINK.protocol)
    with pytest.raises(ParameterError, match="same length"):
        ModeWindows(bob.n_pulses, bob.window[1:], bob.detector, bob.intensity, bob.phase_rad)
    with pytest.raises(ParameterError, match="window must ascend"):
        ModeWindows(10, bob.window, bob.detector, bob.intensity, bob.phase_rad)
