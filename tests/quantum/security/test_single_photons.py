"""Fractions of single photons and of CHSH values, at points that are known exactly."""

import numpy as np
import pytest

from haris.quantum.security.device_independent import chsh_fraction, chsh_of_qber
from haris.quantum.security.single_photons import bb84_fraction, sarg04_fraction, six_state_fraction


def test_without_errors_every_bit_is_secret():
    assert bb84_fraction(0.0) == six_state_fraction(0.0) == 1.0
    assert chsh_fraction(2.0 * np.sqrt(2.0), 0.0) == pytest.approx(1.0)


def test_six_states_bear_more_errors_than_two_bases():
    qber = np.linspace(0.001, 0.2, 50)
    assert np.all(six_state_fraction(qber) > bb84_fraction(qber))
    assert np.all(chsh_fraction(chsh_of_qber(qber), qber) < bb84_fraction(qber))


def test_what_is_not_violated_proves_nothing():
    assert chsh_fraction([2.0, 1.0, -2.0], 0.0) == pytest.approx(np.zeros(3), abs=1e-12)


def test_the_depolarising_channel_leaves_its_four_eigenvalues():
    q = 0.1
    p = np.array([1 - 1.5 * q, q / 2, q / 2, q / 2])
    assert six_state_fraction(q) == pytest.approx(1 + (p * np.log2(p)).sum())


def filtered_pairs():
    """Weights of SARG04's filtered pair on the Bell states (none, bit, both, phase) after each Pauli on Bob's photon.

    Alice keeps a bit and sends one of two states a quarter turn apart, turned by one of four quarter turns; Bob turns
    back and filters, so that what passes without errors is a Bell state.
    """
    plus, minus = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
    low, high = np.sin(np.pi / 8), np.cos(np.pi / 8)
    sent = (np.kron([1, 0], high * plus + low * minus) + np.kron([0, 1], high * plus - low * minus)) / np.sqrt(2)
    bobs_filter = low * np.outer(plus, plus) + high * np.outer(minus, minus)
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    bells = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [0, 1, -1, 0], [1, 0, 0, -1]]) / np.sqrt(2)
    paulis = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    weights = []
    for pauli in paulis:
        turns = [np.linalg.matrix_power(turn, k) for k in range(4)]
        ends = [np.kron(np.eye(2), bobs_filter @ back.T @ pauli @ back) @ sent for back in turns]
        weights.append(np.mean([np.abs(bells @ end) ** 2 for end in ends], axis=0))
    return np.array(weights)


def test_sarg04_allows_for_the_best_pauli_attack():
    weights = filtered_pairs()
    assert weights[0] == pytest.approx([0.25, 0.0, 0.0, 0.0])
    found = []
    for share in np.linspace(0.0, 1.0, 21):  # of the errors that are Y; X and Z leave the same pair
        error = (1.0 - share) * weights[1] + share * weights[2]
        bit_rate = error[1] + error[2]
        scale = 0.08 / bit_rate
        p = scale * error
        p[0] = 1.0 - p[1:].sum()
        assert p[2] + p[3] == pytest.approx(1.5 * (p[1] + p[2]))
        kept = p[p > 1e-15]
        found.append(1.0 + (kept * np.log2(kept)).sum())
    assert weights[1] == pytest.approx(weights[3])
    assert sarg04_fraction(0.08) == pytest.approx(min(found)) == pytest.approx(found[0])
