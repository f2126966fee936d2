"""Fractions of single photons and of CHSH values, at points that are known exactly."""

import numpy as np
import pytest

from haris.quantum.security.device_independent import chsh_fraction, chsh_of_qber
from haris.quantum.security.single_photons import bb84_fraction, six_state_fraction


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
