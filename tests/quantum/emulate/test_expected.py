"""Expected counts: photon by photon, against an independent code, and at their limits."""

from itertools import product
from math import comb, exp, factorial

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from qkd import impairments

from haris.nouns.errors import ParameterError
from haris.quantum.emulate.clicks import renewal
from haris.quantum.emulate.expected import click_rate_hz, expected_counts
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84

SOURCE = Source(clock_hz=1e9, intensities=(0.5, 0.1, 0.0), p_intensities=(0.6, 0.3, 0.1))
PROTOCOL = DecoyBB84(p_key_basis=0.9, block_pulses=10**9)


def photon_by_photon(mu, transmittance, misalignment, p_dark):
    """Gain and error probability, matched bases: a sum over photon numbers and the ways of every photon."""
    gain = error = 0.0
    for n in range(30):
        p_n = exp(-mu) * mu**n / factorial(n)
        for arrived, wrong in ((a, w) for a in range(n + 1) for w in range(a + 1)):
            p = comb(n, arrived) * transmittance**arrived * (1 - transmittance) ** (n - arrived)
            p *= comb(arrived, wrong) * misalignment**wrong * (1 - misalignment) ** (arrived - wrong)
            for dark_right, dark_wrong in product((0, 1), repeat=2):
                p_all = p_n * p * (p_dark if dark_right else 1 - p_dark) * (p_dark if dark_wrong else 1 - p_dark)
                right, wrong_clicks = arrived - wrong + dark_right > 0, wrong + dark_wrong > 0
                gain += p_all * (right or wrong_clicks)
                error += p_all * (0.5 if right and wrong_clicks else float(wrong_clicks))
    return gain, error


def test_counts_equal_the_sum_over_photon_numbers():
    counts = expected_counts(SOURCE, Fibre(0.0, 0.2, 3.0, 0.1), Detector(0.6, 0.02), PROTOCOL, 1.0)
    transmittance = 0.6 * 10**-0.3
    for i, (mu, p) in enumerate(zip(SOURCE.intensities, SOURCE.p_intensities, strict=True)):
        gain, error = photon_by_photon(mu, transmittance, 0.1, 0.02)
        for basis, p_basis in enumerate((0.9**2, 0.1**2)):
            assert counts.clicks[basis, i] == pytest.approx(p * p_basis * gain, rel=1e-12)
            assert counts.errors[basis, i] == pytest.approx(p * p_basis * error, rel=1e-12)


@pytest.mark.parametrize("distance_m", [20e3, 80e3, 140e3])
def test_gain_and_qber_equal_an_independent_code(distance_m):
    """PyPI qkd 0.2.0: the same gain; its error rate is ours to first order in the photons a pulse."""
    p_dark = 1e-6
    counts = expected_counts(SOURCE, Fibre(distance_m, 0.2, 0.0, 0.03), Detector(0.2, p_dark), PROTOCOL, 1.0)
    for i, mu in enumerate(SOURCE.intensities[:2]):
        eta = 0.2 * 10 ** (-0.02 * distance_m / 1e3)
        gain, qber = impairments.afterpulse(mu, eta, 1 - (1 - p_dark) ** 2, 0.0, 0.03)
        ours = counts.clicks[0, i] / (SOURCE.p_intensities[i] * 0.9**2)
        assert ours == pytest.approx(gain, rel=1e-9)
        assert counts.errors[0, i] / counts.clicks[0, i] == pytest.approx(qber, rel=1e-9 + mu * eta)


def test_dead_time_equals_the_non_paralysable_law_of_an_independent_code():
    fibre, distances_m = Fibre(0.0, 0.2), np.linspace(0.0, 2e5, 9)
    free = click_rate_hz(SOURCE, fibre, Detector(0.5, 1e-5), distances_m)
    held = click_rate_hz(SOURCE, fibre, Detector(0.5, 1e-5, dead_time_s=1e-6), distances_m)
    assert held == pytest.approx([impairments.saturate(r, 1e-6) for r in free], rel=1e-12)


def test_a_sweep_has_the_shape_of_its_distances():
    fibre, detector = Fibre(50e3, 0.2, 1.0, 0.01), Detector(0.2, 1e-6, 1e-6, 0.02, 1e-8)
    distances_m = np.array([[0.0, 50e3, 1e5], [2e5, 4e5, 1e7]])
    sweep = expected_counts(SOURCE, fibre, detector, PROTOCOL, 1e9, distances_m)
    assert sweep.clicks.shape == (2, 3, 2, 3)
    assert sweep.clicks.dtype == np.float64
    alone = expected_counts(SOURCE, fibre, detector, PROTOCOL, 1e9)
    assert np.array_equal(sweep.clicks[0, 1], alone.clicks)
    assert np.array_equal(sweep.errors[0, 1], alone.errors)
    rates = click_rate_hz(SOURCE, fibre, detector, distances_m).ravel()
    assert np.all(np.diff(rates) < 0)


def test_a_hopeless_distance_gives_dark_counts_or_nothing():
    dark = expected_counts(SOURCE, Fibre(1e9, 0.2), Detector(0.2, 1e-6), PROTOCOL, 1e9)
    assert dark.qber == pytest.approx([0.5, 0.5])
    nothing = expected_counts(SOURCE, Fibre(1e9, 0.2), Detector(0.2, 0.0, 1e-6, 1.0), PROTOCOL, 1e9)
    assert not nothing.clicks.any()


def test_afterpulses_err_half_the_time():
    """Vacuum without dark counts clicks only by after-pulses of the other intensities' clicks."""
    detector = Detector(0.5, 0.0, 1e-7, 0.05)
    counts = expected_counts(SOURCE, Fibre(20e3, 0.2), detector, PROTOCOL, 1e9)
    assert counts.errors[:, 2] == pytest.approx(0.5 * counts.clicks[:, 2])
    clicks = click_rate_hz(SOURCE, Fibre(20e3, 0.2), detector)
    assert counts.clicks[0, 2] == pytest.approx(0.05 * clicks * 0.1 * 0.9**2, rel=1e-9)


def test_eve_adds_a_quarter_of_errors_and_no_clicks():
    fibre, detector = Fibre(50e3, 0.2, 0.0, 0.0), Detector(0.2, 0.0)
    honest = expected_counts(SOURCE, fibre, detector, PROTOCOL, 1e9)
    tapped = expected_counts(SOURCE, fibre, detector, PROTOCOL, 1e9, eve_fraction=0.4)
    assert tapped.clicks == pytest.approx(honest.clicks, rel=1e-12)
    assert tapped.qber == pytest.approx([0.1, 0.1], rel=1e-9)


@example(p_any=1e-200, hold_off_gates=0, p_afterpulse=1.0, p_release=0.5)
@given(
    p_any=st.just(0.0) | st.floats(1e-290, 1.0),  # below, doubles lose their digits
    hold_off_gates=st.integers(0, 10**6),
    p_afterpulse=st.floats(0.0, 1.0),
    p_release=st.floats(1e-6, 1.0),
)
def test_gates_are_live_or_held_off(p_any, hold_off_gates, p_afterpulse, p_release):
    rates = renewal(np.asarray(p_any), hold_off_gates, p_afterpulse, p_release)
    assert rates.clicks == pytest.approx(rates.fresh * p_any + rates.releases, rel=1e-9, abs=1e-300)
    if rates.clicks > 0:
        assert rates.live + hold_off_gates * rates.clicks == pytest.approx(1.0, rel=1e-9)


def test_arguments_outside_their_range_are_refused():
    with pytest.raises(ParameterError, match="eve_fraction"):
        expected_counts(SOURCE, Fibre(1e4, 0.2), Detector(0.2, 0.0), PROTOCOL, 1e9, eve_fraction=1.1)
    with pytest.raises(ParameterError, match="n_pulses"):
        expected_counts(SOURCE, Fibre(1e4, 0.2), Detector(0.2, 0.0), PROTOCOL, -1)
