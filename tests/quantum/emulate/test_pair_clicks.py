"""Clicks of all four detectors against the closed form of two, against photons drawn one by one, and in Fock space."""

import numpy as np
import pytest
from scipy.linalg import expm

from haris.quantum.emulate.coincidences import pair_rates
from haris.quantum.emulate.pair_clicks import click_patterns
from haris.quantum.optics.pair_source import PairSource

ANGLES = [0.0, np.pi / 8, -3 * np.pi / 8, np.pi / 4, 0.3]


def gain_and_correlation(patterns):
    """Both ends clicked; a double click is a random bit."""
    gain = correlation = 0.0
    for pattern, p in enumerate(patterns):
        bits = [[bit for bit in (0, 1) if pattern >> 2 * end + bit & 1] for end in (0, 1)]
        if all(bits):
            gain += p
            correlation += p * np.prod([np.mean([1 - 2 * bit for bit in of_end]) for of_end in bits])
    return gain, correlation


@pytest.mark.parametrize("modes", [1.0, 2.5, np.inf])
@pytest.mark.parametrize("angle_rad", ANGLES)
def test_two_detectors_do_what_their_own_closed_form_says(modes, angle_rad):
    source, eta, dark = PairSource(1e9, 0.7, modes=modes), (0.6, 0.2), (1e-2, 3e-2)
    patterns = click_patterns(source, eta, dark, angle_rad)
    assert patterns.sum() == pytest.approx(1.0)
    gain, correlation = pair_rates(source, eta, dark, angle_rad)
    np.testing.assert_allclose(gain_and_correlation(patterns), (gain, correlation), rtol=1e-9, atol=1e-14)


def test_pairs_that_come_independently_are_split_one_by_one():
    rng, n = np.random.default_rng(1), 400_000
    source, eta, dark, angle = PairSource(1e9, 0.8, modes=np.inf), (0.7, 0.4), (0.01, 0.02), np.pi / 8
    pairs = rng.poisson(0.8, n)
    ones = rng.binomial(pairs, 0.5)
    at_bob = rng.binomial(ones, np.cos(angle) ** 2) + rng.binomial(pairs - ones, np.sin(angle) ** 2)
    photons = (pairs - ones, ones, pairs - at_bob, at_bob)
    fired = [(rng.binomial(light, eta[i // 2]) > 0) | (rng.random(n) < dark[i // 2]) for i, light in enumerate(photons)]
    seen = np.bincount(sum(clicked.astype(int) << i for i, clicked in enumerate(fired)), minlength=16)
    wanted = n * click_patterns(source, eta, dark, angle)
    assert ((seen - wanted) ** 2 / wanted).sum() < 60.0  # 15 degrees of freedom: one in 2 million


def test_squeezers_of_one_mode_in_fock_space():
    # Photon numbers up to 7 a polarisation, Bob's turned by a beam splitter's matrix of each total number.
    mean, eta, angle, most = 0.12, (0.7, 0.5), 0.4, 7
    n = mean / 2.0
    wanted = np.zeros(16)
    for total in range(most + 1):
        down = np.diag([np.sqrt((k + 1) * (total - k)) for k in range(total)], 1)  # a1^dagger a0 between (k, total - k)
        turn = expm(angle * (down - down.T))
        weight = (n / (1 + n)) ** total / (1 + n) ** 2
        for k in range(total + 1):
            for j in range(total + 1):
                numbers = (total - k, k, total - j, j)
                clicks = [1 - (1 - eta[i // 2]) ** photons for i, photons in enumerate(numbers)]
                for pattern in range(16):
                    p = np.prod([c if pattern >> i & 1 else 1 - c for i, c in enumerate(clicks)])
                    wanted[pattern] += weight * turn[j, k] ** 2 * p
    np.testing.assert_allclose(click_patterns(PairSource(1e9, mean), eta, (0.0, 0.0), angle), wanted, atol=1e-7)
