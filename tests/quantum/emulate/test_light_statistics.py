"""Sampled detections against expected counts: one chi-square test with a known false-alarm rate and power.

Clicks renew the receiver, so the counts of all cells in a long block are jointly normal with the covariance of the
renewal-reward theorem: n rate E[Y Y'], Y = (cell of the click) - (its mean) (gates of the cycle) rate. The law of a
cycle is summed here gate by gate, without the closed forms of the model.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from haris.quantum.emulate.clicks import click_rates, outcomes, p_click, photons_at_detectors, release_outcomes
from haris.quantum.emulate.expected import expected_counts
from haris.quantum.emulate.sampled import emulate
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.protocols.preparation import settings_at

FALSE_ALARM = 1e-6
PULSES = 10**9
BLOCKS = 5

SOURCE = Source(clock_hz=1e9, intensities=(0.5, 0.15, 0.002), p_intensities=(0.6, 0.25, 0.15))
FIBRE = Fibre(length_m=20e3, loss_db_per_km=0.2, fixed_loss_db=2.0, misalignment=0.08)
DETECTOR = Detector(
    efficiency=0.3,
    p_dark=1e-4,
    dead_time_s=100e-9,
    p_afterpulse=0.2,
    afterpulse_time_s=3e-9,
    jitter_s=60e-12,
    gate_s=500e-12,
)
PROTOCOL = DecoyBB84(p_key_basis=0.8, block_pulses=PULSES)

# One per cent more of each, the rest unchanged.
SHIFTS = {
    "efficiency": (FIBRE, replace(DETECTOR, efficiency=0.303)),
    "misalignment": (replace(FIBRE, misalignment=0.0808), DETECTOR),
    "after-pulses": (FIBRE, replace(DETECTOR, p_afterpulse=0.202)),
    "dead time": (FIBRE, replace(DETECTOR, dead_time_s=101e-9)),
}


def measured_cells(pulses, detections, rng):
    """Sifted clicks by basis, intensity, right or wrong; then clicks with unmatched bases. 4 k + 1 cells."""
    gate, first, tags = np.unique(detections.time_ps // 1000, return_index=True, return_counts=True)
    channel = detections.channel[first]
    bit = np.where(tags == 2, rng.integers(0, 2, gate.size), channel % 2)
    sent = settings_at(pulses, gate, PROTOCOL.p_key_basis, SOURCE.p_intensities)
    matched = sent.basis == channel // 2
    cell = (sent.basis.astype(np.int64) * 3 + sent.intensity) * 2 + (bit != sent.bit)
    return np.bincount(np.where(matched, cell, 12), minlength=13)


def expected_cells(fibre, detector, n_pulses):
    counts = expected_counts(SOURCE, fibre, detector, PROTOCOL, n_pulses)
    right_wrong = np.stack([counts.clicks - counts.errors, counts.errors], axis=-1).ravel()
    rates, _ = click_rates(SOURCE, fibre, detector)
    p_unmatched = 2 * PROTOCOL.p_key_basis * (1 - PROTOCOL.p_key_basis)
    return np.append(right_wrong, n_pulses * p_unmatched * rates[:, 1, :].sum())


def click_cells(table, weight):
    """Law of the cell of one click for a table of outcomes [intensity, aligned, outcome]."""
    table = table * np.array(SOURCE.p_intensities)[:, None, None]
    right_wrong = table[:, 0, :2] + 0.5 * table[:, 0, 2:]
    z = PROTOCOL.p_key_basis
    cells = [z**2 * right_wrong.ravel(), (1 - z) ** 2 * right_wrong.ravel(), [2 * z * (1 - z) * table[:, 1].sum()]]
    return weight * np.concatenate(cells)


def cell_moments(detector=DETECTOR):
    """Mean of the counts per gate, and their covariance per gate, summed over the gates of a cycle."""
    p = p_click(photons_at_detectors(SOURCE, FIBRE, detector), detector.p_dark)
    p_any = float(outcomes(p)[:, 0].sum(axis=-1) @ np.array(SOURCE.p_intensities))
    release = detector.p_release(SOURCE.clock_hz)
    fresh_cells = click_cells(outcomes(p), 1 / p_any)
    release_cells = click_cells(release_outcomes(p), 1.0)
    k = np.arange(1, int(60 / p_any))
    length = k + detector.hold_off_gates(SOURCE.clock_hz)
    trap = detector.p_afterpulse * (1 - release) ** (k - 1)
    by_release = (1 - p_any) ** (k - 1) * trap * release
    by_fresh = (1 - p_any) ** (k - 1) * p_any * (1 - detector.p_afterpulse + trap * (1 - release))
    assert by_release.sum() + by_fresh.sum() == pytest.approx(1.0, abs=1e-12)
    mean = by_fresh.sum() * fresh_cells + by_release.sum() * release_cells
    with_length = (by_fresh @ length) * fresh_cells + (by_release @ length) * release_cells
    length_1, length_2 = (by_fresh + by_release) @ length, (by_fresh + by_release) @ length**2
    rate = 1 / length_1
    cross = rate * np.outer(with_length, mean)
    covariance = np.diag(mean) - cross - cross.T + rate**2 * length_2 * np.outer(mean, mean)
    return rate * mean, rate * covariance


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(2024)
    total = np.zeros(13, dtype=np.int64)
    for block in range(BLOCKS):
        light = emulate(SOURCE, FIBRE, DETECTOR, PROTOCOL, PULSES, seed=20161219, start=block * PULSES)
        total += measured_cells(*light, rng)
    return total


def p_value(measured, expected):
    covariance = BLOCKS * PULSES * cell_moments()[1]
    away = measured - expected
    return stats.chi2.sf(away @ np.linalg.solve(covariance, away), df=away.size)


def test_closed_forms_equal_the_sum_over_a_cycle():
    expected = expected_cells(FIBRE, DETECTOR, 1.0)
    assert cell_moments()[0] == pytest.approx(expected, rel=1e-10)


def test_sampled_counts_follow_the_expected_ones(measured):
    """False alarms: 1e-6 (chi-square, 13 cells)."""
    assert p_value(measured, expected_cells(FIBRE, DETECTOR, BLOCKS * PULSES)) > FALSE_ALARM


@pytest.mark.parametrize("shift", SHIFTS)
def test_one_per_cent_would_be_noticed(measured, shift):
    """Power at least 0.99 by the non-central chi-square law; and the very test above does reject the shift."""
    shifted = expected_cells(*SHIFTS[shift], BLOCKS * PULSES)
    away = shifted - expected_cells(FIBRE, DETECTOR, BLOCKS * PULSES)
    noncentrality = away @ np.linalg.solve(BLOCKS * PULSES * cell_moments()[1], away)
    critical = stats.chi2.isf(FALSE_ALARM, df=away.size)
    power = stats.ncx2.sf(critical, df=away.size, nc=noncentrality)
    print(f"{shift}: non-centrality {noncentrality:.1f}, power {power:.6f}")
    assert power >= 0.99
    assert p_value(measured, shifted) < FALSE_ALARM
