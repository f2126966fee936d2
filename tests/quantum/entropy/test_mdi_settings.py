"""Random settings of a measurement-device-independent source: a few in every run, ten thousand in `make trials`."""

import math

import numpy as np
import pytest
from scipy.optimize import linprog

from haris.quantum.entropy.mdi_qrng import MdiQrng, behaviours, randomness, scores

EPSILON = 2.0**-101
MANY = 12_000


def drawn(rng):
    """Settings over all that is allowed, most of them without use, and about half as somebody might choose them."""
    size = int(10 ** rng.uniform(1, 13))
    if rng.random() < 0.5:
        mean, test, dark, flip = rng.uniform(0.1, 1.5), 10 ** rng.uniform(-4, -1), 10 ** rng.uniform(-9, -4), 0.01
        return MdiQrng(1e8, mean, test, rng.uniform(0.3, 1), dark, flip * rng.random(), 5e-8 * rng.random(), 2), size
    mean, test = 10 ** rng.uniform(-9, 1), 0.5 * 10 ** rng.uniform(-8, 0)
    detectors = int(rng.integers(1, 5))
    dead_s = rng.random() * 6e-7 * detectors
    return MdiQrng(1e8, mean, test, rng.random(), rng.random() ** 8, 0.5 * rng.random() ** 4, dead_s, detectors), size


def at(angles):
    """Of one photon, a measurement at these angles from the superposition's."""
    return 0.5 + 0.5 * np.stack([np.cos(angles), np.sin(angles), -np.sin(angles)], axis=1)


def greatest_sum(parameters, chosen, rng):
    """Of P F sigma^(1 + power), over all bits of other pulses and, of one photon, angles that no grid knows."""
    factors, kinds = 2.0**chosen.log2_factors, behaviours(parameters.mean_photons)

    def sums(sigma):
        pair = np.clip(np.stack([1 - sigma, sigma], axis=2), 0.0, 1.0)
        return np.sum(factors * pair ** (1 + chosen.power), axis=2) @ parameters.p_states

    angles = rng.random(500) * 2 * math.pi
    for width in (0.01, 1e-4, 1e-6):
        best = angles[np.argmax(sums(at(angles)))]
        angles = np.append(best, best + width * rng.normal(size=200))
    inside = 0.5 + (at(rng.random(100) * 2 * math.pi) - 0.5) * rng.random((100, 1))
    none, _, many = (sums(corner).max(initial=0.0) for corner in kinds.corners)
    one = max(sums(at(angles)).max(), sums(inside).max(), sums(kinds.corners[1]).max())
    return kinds.weights @ np.array([none, one, many])


def least_entropy(parameters):
    """Bits a scored round, in the limit, that no mixture of detectors like the expected one can go without."""
    kinds, cost, looks, kind = behaviours(parameters.mean_photons), [], [], []
    for k, sigma in enumerate(
        (kinds.corners[0], np.vstack([kinds.corners[1], at(np.arange(720) * math.pi / 360)]), kinds.corners[2])
    ):
        pair = np.clip(np.stack([sigma, 1 - sigma]), 1e-300, 1.0)
        cost.append(kinds.weights[k] * (-np.sum(pair * np.log2(pair), axis=0) @ parameters.p_states))
        looks.append(kinds.weights[k] * sigma)
        kind.append(np.full(len(sigma), k))
    same = np.vstack([np.concatenate(looks).T, np.array([np.concatenate(kind) == k for k in range(3)], float)])
    found = linprog(np.concatenate(cost), A_eq=same, b_eq=np.concatenate([parameters.expected, np.ones(3)]))
    return found.fun if found.success else math.inf


def try_settings(n_settings, seed):
    """Scores are valid, bits are finite and no more than there can be; how many certify any."""
    rng, some = np.random.default_rng(seed), 0
    for number in range(n_settings):
        parameters, size = drawn(rng)
        found = randomness(parameters, size, EPSILON)
        assert 0.0 <= found.min_entropy_bits <= size
        assert math.isfinite(found.spent_bits)
        chosen = scores(parameters, size, EPSILON)
        assert greatest_sum(parameters, chosen, rng) <= 1.0 + 1e-15, parameters
        some += found.min_entropy_bits > 0.0
        if number % 50 == 0:
            limit = least_entropy(parameters) * parameters.scored
            assert found.min_entropy_per_sample <= limit * (1 + 1e-6) + 1e-9, parameters
    return some


def test_a_few_random_settings_are_valid():
    assert try_settings(20, 1) > 2


@pytest.mark.trial
@pytest.mark.timeout(1200)
def test_ten_thousand_random_settings_are_valid():
    assert try_settings(MANY, 2) > MANY // 5
