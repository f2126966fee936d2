"""The unsampled mean: every sample of every small population, and large ones drawn at random."""

import itertools
import math

import numpy as np
import pytest

from haris.quantum.entropy.unsampled_mean import best_stake, unsampled_mean

VALUES = np.array([0.0, 0.3, 1.0])


def test_no_small_population_deceives_more_often_than_epsilon():
    """All populations of nine numbers, all samples of five of them."""
    epsilon, worst = 0.05, 0.0
    for stake in (0.3, 0.8, 0.999):
        for zeros in range(10):
            for thirds in range(10 - zeros):
                population = np.repeat(VALUES, [zeros, thirds, 9 - zeros - thirds])
                deceived = total = 0
                for drawn in itertools.combinations(range(9), 5):
                    sample = population[list(drawn)]
                    counts = np.array([np.sum(sample == v) for v in VALUES], float)
                    rest = (population.sum() - sample.sum()) / 4.0
                    deceived += rest > unsampled_mean(VALUES, counts, 4, stake, -math.log2(epsilon)) + 1e-12
                    total += 1
                worst = max(worst, deceived / total)
    assert worst <= epsilon


def test_large_populations_deceive_no_more_often_than_epsilon():
    """10 000 numbers, 2000 drawn, 4000 times at epsilon 0.05; six standard errors."""
    rng, epsilon = np.random.default_rng(6), 0.05
    for shares in ((0.7, 0.29, 0.01), (0.95, 0.0, 0.05), (0.2, 0.8, 0.0)):
        population = (np.array(shares) * 10_000).round().astype(int)
        stake = best_stake(VALUES, np.array(shares), 2000, -math.log2(epsilon))
        drawn = rng.multivariate_hypergeometric(population, 2000, size=4000).astype(float)
        rest = (population - drawn) @ VALUES / 8000.0
        found = np.array([unsampled_mean(VALUES, counts, 8000, stake, -math.log2(epsilon)) for counts in drawn])
        assert np.mean(rest > found) <= epsilon + 6 * math.sqrt(epsilon / 4000)
        assert np.median(found - rest) < 0.05


def test_it_comes_near_the_variance_and_needs_no_gaussian():
    """At 2^-204: within a tenth of sqrt(2 V ln(1/epsilon) / m) where all is drawn from many."""
    p, m = np.array([0.5, 0.45, 0.05]), 10**6
    stake = best_stake(VALUES, p, m, 204.0)
    mean = float(p @ VALUES)
    spread = math.sqrt(2.0 * float(p @ (VALUES - mean) ** 2) * 204.0 * math.log(2.0) / m)
    assert unsampled_mean(VALUES, p * m, 10**9, stake, 204.0) - mean == pytest.approx(spread, rel=0.1)


def test_nothing_drawn_tells_nothing():
    assert unsampled_mean(VALUES, np.zeros(3), 10, 0.5, 7.0) == 1.0
    assert unsampled_mean(VALUES, np.array([3.0, 0.0, 0.0]), 10, 0.5, 30.0) == 1.0
