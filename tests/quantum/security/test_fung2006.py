"""SARG04's phase errors from every attack on one photon and on two, and PyPI qkd."""

import numpy as np
import pytest
import qkd
from scipy.linalg import eigh
from scipy.optimize import brentq

from haris.papers.published import published_row
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.fung2006 import single_photon_eve, two_photon_phase_error
from haris.quantum.security.single_photons import sarg04_fraction

PLUS, MINUS = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
LOW, HIGH = np.sin(np.pi / 8), np.cos(np.pi / 8)
BELL = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [0, 1, -1, 0], [1, 0, 0, -1]]) / np.sqrt(2)  # none, bit, both, phase


def weights(photons):
    """Weight of each Bell state after Bob's filter, as a quadratic form of Eve's operator from those photons to one.

    Any attack is a sum of such operators, so what holds for the forms holds for every attack.
    """
    states = [HIGH * PLUS + LOW * MINUS, HIGH * PLUS - LOW * MINUS]
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    bobs_filter = LOW * np.outer(PLUS, PLUS) + HIGH * np.outer(MINUS, MINUS)
    forms = np.zeros((4, 2 * 2**photons, 2 * 2**photons))
    for back in range(4):
        receive = bobs_filter @ np.linalg.matrix_power(turn, back).T
        sent = []
        for state in states:
            one, many = np.linalg.matrix_power(turn, back) @ state, np.ones(1)
            for _ in range(photons):
                many = np.kron(many, one)
            sent.append(many / np.sqrt(2))
        for form, bell in zip(forms, BELL, strict=True):
            amplitude = sum(np.outer(bell[2 * bit : 2 * bit + 2] @ receive, sent[bit]) for bit in (0, 1)).ravel()
            form += np.outer(amplitude, amplitude)
    return forms


def test_one_photon_errs_in_phase_half_again_as_often_whatever_eve_does():
    _, bit, both, phase = weights(1)
    np.testing.assert_allclose(both + phase, 1.5 * (bit + both), atol=1e-12)
    values, vectors = np.linalg.eigh(bit + both)
    errs = vectors[:, values > 1e-9]
    shares = eigh(errs.T @ both @ errs, errs.T @ (bit + both) @ errs)[0]
    assert shares[0] == pytest.approx(0.5)  # at least half of the bit errors have a phase error too
    assert np.linalg.eigvalsh(both - 0.5 * (bit + both))[0] > -1e-12


def test_eve_knows_most_of_one_photon_with_just_half():
    for error in np.linspace(0.0, 0.33, 500):
        both = np.linspace(0.5, 1.0, 1001) * error
        p = np.stack([1 - 2.5 * error + both, error - both, both, 1.5 * error - both])
        p = p[:, p.min(axis=0) >= 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            known = -np.nansum(p * np.log2(p), axis=0) - binary_entropy(error)
        assert single_photon_eve(error) == pytest.approx(known.max(), abs=1e-9)
        assert single_photon_eve(error) == pytest.approx(qkd._core.sarg_cost(error)[0], abs=1e-12)


def test_two_photons_err_in_phase_no_more_whatever_eve_does():
    none, bit, both, phase = weights(2)
    kept = none + bit + both + phase
    for error in np.linspace(0.001, 0.166, 500):
        # The tangent at this error: phase <= offset + slope bit, times what is kept, for every operator of Eve's.
        step = 1e-6
        slope = float(two_photon_phase_error(error + step) - two_photon_phase_error(error - step)) / (2 * step)
        offset = float(two_photon_phase_error(error)) - slope * error
        largest = np.linalg.eigvalsh(phase + both - slope * (bit + both) - offset * kept)[-1]
        assert largest == pytest.approx(0.0, abs=1e-6)  # and some attack reaches it
        assert two_photon_phase_error(error) == pytest.approx(qkd._core.sarg_phase(error), abs=1e-12)


def test_where_nothing_is_left():
    assert single_photon_eve([1 / 3, 0.5, 1.0]) == pytest.approx(1.0)
    assert two_photon_phase_error([1 / 6, 0.5, 1.0]) == pytest.approx(0.5)
    assert two_photon_phase_error(0.0) == pytest.approx(np.sin(np.pi / 8) ** 2)


def test_the_thresholds_are_the_published_ones():
    row = published_row("sarg04_single_photon_threshold")
    assert brentq(sarg04_fraction, 0.05, 0.2) == pytest.approx(row.number("expected"), rel=row.number("tol_rel"))
    # Fung, Tamaki, Lo print 2.71 % for two photons.
    two = brentq(lambda e: 1 - binary_entropy(e) - binary_entropy(two_photon_phase_error(e)), 0.01, 0.1)
    assert round(two, 4) == 0.0271
