"""The finite key of a pass by an independent code: SatQuMA 2.0 (MIT licence), efficient BB84, Chernoff."""

from pathlib import Path

import numpy as np
import pytest

from haris.nouns.counts import DecoyCounts
from haris.quantum.security.bounds import estimated_leakage, key_length
from haris.quantum.security.key_length import Security
from haris.quantum.security.sidhu2022 import scale_closed

HALF = np.loadtxt(Path(__file__).parents[2] / "vectors" / "sidhu_zenith_pass.txt")
"""Transmittance, second by second from the zenith to 10 degrees: a circular orbit of 500 km over a sphere of 6371 km,
785 nm, apertures of 80 and 700 mm, air by MODTRAN (0.876 at the zenith), 12 dB of the system."""
TRANSMITTANCE = np.concatenate([HALF[:0:-1], HALF])
MU, P, P_KEY = np.array([0.7, 0.15, 0.0]), np.array([0.75, 0.2, 0.05]), 0.85


def summed():
    """Counts as that code models them: one error rate a slot for all intensities, after-pulses by a factor."""
    dark, afterpulse, intrinsic, clock = 1e-7, 1e-3, 0.005, 1e8
    lost = np.exp(-np.outer(MU, TRANSMITTANCE))
    clicks = (1.0 + afterpulse) * (1.0 - (1.0 - 2.0 * dark) * lost)
    wrong = dark + 0.5 * afterpulse * clicks + intrinsic * (1.0 - lost)
    n = clock * P[:, None] * clicks
    errors = n * (P @ wrong) / (P @ clicks)
    bases = np.array([P_KEY**2, (1.0 - P_KEY) ** 2])[:, None]
    return DecoyCounts(clock * n.shape[1], tuple(MU), tuple(P), bases * n.sum(axis=1), bases * errors.sum(axis=1))


def test_the_pass_of_that_code():
    counts = summed()
    assert -10.0 * np.log10(TRANSMITTANCE.max()) == pytest.approx(31.95, abs=0.005)
    assert round(counts.clicks[0].sum()) == 4_117_618
    assert round(counts.clicks[1].sum()) == 128_230
    security = Security("sidhu2022", 1e-9, 1e-15, 1.16)
    key = key_length(counts, security)
    assert counts.qber[0] == pytest.approx(0.00626, abs=5e-6)
    assert key.value("phase_error") == pytest.approx(0.02143, abs=5e-6)
    assert key.length_bits == 1_370_586
    assert key.value("secrecy") + key.value("correctness") == pytest.approx(256.57, abs=0.01)
    assert key.value("leaked") == pytest.approx(estimated_leakage(counts, 1.16))


def test_passes_joined_give_more_than_their_sum():
    one = summed()
    both = DecoyCounts(2 * one.n_pulses, one.intensities, one.p_intensities, 2 * one.clicks, 2 * one.errors)
    security = Security("sidhu2022", 1e-9, 1e-15, 1.16)
    assert key_length(both, security).length_bits > 2 * key_length(one, security).length_bits


def test_closed_bounds_lie_about_the_count():
    found = scale_closed(summed().clicks[:1], summed(), 1e-10)
    exact = np.exp(MU) / P * summed().clicks[0]
    assert np.all((found.lower < exact) & (exact < found.upper))
