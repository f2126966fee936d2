"""Sampled pairs against the closed forms."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import chi2

from haris.nouns.errors import ParameterError
from haris.quantum.emulate import sampled_pairs
from haris.quantum.emulate.coincidences import expected_coincidences
from haris.quantum.link import Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bbm92 import BBM92
from haris.quantum.security.key_length import Security

FALSE_ALARM = 1e-6


def by_window(half, clock_hz):
    """Windows with a click, ascending, with basis and the bits that clicked there (3: both)."""
    window = np.floor(half.time_ps * (clock_hz / 1e12)).astype(np.int64)
    windows, inverse = np.unique(window, return_inverse=True)
    bits, bases = np.zeros(windows.size, dtype=int), np.zeros(windows.size, dtype=int)
    np.bitwise_or.at(bits, inverse, 1 << (half.channel & 1))
    bases[inverse] = half.channel >> 1
    return windows, bases, bits


def counted(alice, bob, clock_hz, rng):
    """Right and wrong coincidences by basis, shape (2, 2), a double click being a random bit."""
    windows_a, bases_a, bits_a = by_window(alice, clock_hz)
    windows_b, bases_b, bits_b = by_window(bob, clock_hz)
    _, at_a, at_b = np.intersect1d(windows_a, windows_b, return_indices=True)
    same = bases_a[at_a] == bases_b[at_b]
    basis, ends = bases_a[at_a][same], (bits_a[at_a][same], bits_b[at_b][same])
    values = [np.where(bits == 3, rng.integers(0, 2, bits.size), bits - 1) for bits in ends]
    table = np.zeros((2, 2), dtype=int)
    np.add.at(table, (basis, values[0] ^ values[1]), 1)
    return table


@pytest.mark.parametrize("modes", [1.0, 2.5, np.inf])
@pytest.mark.parametrize("dark", [0.0, 2e-3])
def test_sampled_counts_are_the_expected_ones(modes, dark):
    source = PairSource(1.7e9, 0.4, visibility=0.96, test_visibility=0.9, modes=modes, position=0.2)
    fibre = Fibre(10e3, 0.2, misalignment=0.01)
    receivers, protocol = PairReceivers(0.5, 0.8, dark, 2 * dark), BBM92(0.7, 10**6)
    n = 400_000
    halves = sampled_pairs.emulate_pairs(source, fibre, receivers, protocol, n, seed=7)
    seen = counted(*halves, source.clock_hz, np.random.default_rng(1))
    counts = expected_coincidences(source, fibre, receivers, protocol, n)
    wanted = np.stack([counts.coincidences - counts.errors, counts.errors], axis=-1)
    deviation = ((seen - wanted) ** 2 / wanted).sum()
    assert deviation < chi2(4).isf(FALSE_ALARM), (seen, wanted)


def test_basis_choices_follow_the_protocol_and_chunks_leave_no_trace(monkeypatch):
    source, fibre = PairSource(1e9, 0.05, modes=np.inf), Fibre(0.0, 0.2)
    receivers, protocol = PairReceivers(0.6, 0.6, 1e-5, 1e-5), BBM92(0.9, 10**6)
    monkeypatch.setattr(sampled_pairs, "CHUNK_EVENTS", 1000)
    alice, bob = sampled_pairs.emulate_pairs(source, fibre, receivers, protocol, 10**6, seed=3)
    for half in (alice, bob):
        windows, bases, _ = by_window(half, 1e9)
        expected = 10**6 * (1 - np.exp(-0.05 * 0.6) * (1 - 1e-5) ** 2)
        assert windows.size == pytest.approx(expected, abs=5 * expected**0.5)
        assert bases.mean() == pytest.approx(0.1, abs=5 * (0.09 / expected) ** 0.5)
        thirds = np.histogram(windows, 10, (0, 10**6))[0]
        assert ((thirds - expected / 10) ** 2 / (expected / 10)).sum() < chi2(10).isf(FALSE_ALARM)


def test_eve_makes_a_quarter_of_errors():
    source, fibre = PairSource(1e9, 0.01, modes=np.inf), Fibre(0.0, 0.2)
    receivers, protocol = PairReceivers(1.0, 1.0, 0.0, 0.0), BBM92(0.5, 10**6)
    halves = sampled_pairs.emulate_pairs(source, fibre, receivers, protocol, 4 * 10**6, seed=5, eve_fraction=1.0)
    table = counted(*halves, 1e9, np.random.default_rng(1))
    np.testing.assert_allclose(table[:, 1] / table.sum(axis=1), 0.25, atol=0.02)  # 4.5 standard deviations or more


def test_great_blocks_cost_only_their_events_and_repeat():
    link = Link(
        PairSource(5e9, 1e-7), Fibre(100e3, 0.2), PairReceivers(0.4, 0.4, 1e-9, 1e-9), BBM92(0.9, 10**12), Security()
    )
    halves = link.emulate(10**12, seed=b"same")
    again = link.emulate(10**12, seed=b"same")
    other = link.emulate(10**12, seed=b"other")
    # A dark count of one end, or one of 1e5 pairs that passes 10 dB and the detector.
    assert halves[0].time_ps.size == pytest.approx(1e5 * 0.04 + 2000, rel=0.1)
    for half, same, else_ in zip(halves, again, other, strict=True):
        np.testing.assert_array_equal(half.time_ps, same.time_ps)
        assert half.time_ps.size != else_.time_ps.size or np.any(half.time_ps != else_.time_ps)


def test_what_cannot_be_sampled_is_refused():
    link = Link(PairSource(1e9, 0.1), Fibre(0.0, 0.2), PairReceivers(1, 1, 0, 0), BBM92(0.5, 10), Security())
    with pytest.raises(ParameterError, match="n_pulses must lie in"):
        link.emulate(10**16, seed=1)
    with pytest.raises(ParameterError, match="eve_fraction"):
        link.emulate(10, seed=1, eve_fraction=2.0)
    dark = dataclasses.replace(link, source=PairSource(1e9, 0.0))
    assert dark.emulate(10**6, seed=1)[0].time_ps.size == 0
