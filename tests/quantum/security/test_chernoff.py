"""Inverted Chernoff bounds: by a root finder, by exact tails, and on the safe side everywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import binom, poisson

from haris.quantum.security.chernoff import count_above, count_below, mean_above, mean_below
from haris.quantum.security.tails import hoeffding

counts = st.floats(0.0, 1e13)
epsilons = st.sampled_from([1e-21, 1e-10, 1e-3, 0.5])


def log_bound(mean, x):
    return x - mean - (x * np.log(x / mean) if x > 0 else 0.0)


@given(st.floats(1.0, 1e8), epsilons)
def test_the_roots(x, epsilon):
    above = brentq(lambda mean: log_bound(mean, x) - np.log(epsilon), x, 50 * x + 1e4, xtol=1e-12, rtol=1e-14)
    assert mean_above(x, epsilon) == pytest.approx(above, rel=1e-9)
    if x > 10:
        below = brentq(lambda mean: log_bound(mean, x) - np.log(epsilon), 1e-9 * x, x, xtol=1e-12, rtol=1e-14)
        assert mean_below(x, epsilon) == pytest.approx(below, rel=1e-9)


@given(counts, epsilons)
def test_they_bracket_and_tighten(x, epsilon):
    assert 0.0 <= mean_below(x, epsilon) <= x <= mean_above(x, epsilon) < np.inf
    assert mean_above(x, epsilon / 2) >= mean_above(x, epsilon)
    assert mean_below(x, epsilon / 2) <= mean_below(x, epsilon)
    assert mean_above(x, 1.0) == pytest.approx(x)
    assert mean_below(x, 1.0) == pytest.approx(x)


@given(st.integers(0, 2000), epsilons)
def test_no_exact_tail_is_above_epsilon(x, epsilon):
    # Of sums with a given mean and many terms, Poisson is the widest; the binomial of few terms is narrower.
    epsilon_and_rounding = epsilon * (1 + 1e-9)
    assert poisson.cdf(x, mean_above(x, epsilon)) <= epsilon_and_rounding
    assert x == 0 or poisson.sf(x - 1, mean_below(x, epsilon)) <= epsilon_and_rounding
    n = 3 * x + 100
    assert binom.cdf(x, n, min(1.0, mean_above(x, epsilon) / n)) <= epsilon_and_rounding
    assert poisson.cdf(np.ceil(count_below(x, epsilon)) - 1, x) <= epsilon_and_rounding
    assert poisson.sf(np.floor(count_above(x, epsilon)), x) <= epsilon_and_rounding


def test_rare_counts_gain_over_hoeffding():
    # Fifty counts of 1e9: Hoeffding's deviation is that of all of them.
    assert mean_above(50, 1e-10) < 50 + hoeffding(1e9, 1e-10) / 100


def test_nothing_seen():
    assert mean_above(0, 1e-10) == pytest.approx(np.log(1e10))
    assert mean_below(0, 1e-10) == count_below(0, 1e-10) == 0


@given(counts, epsilons)
def test_a_count_above_is_little_above_the_exact_tail(mean, epsilon):
    assert count_above(mean, 1.0) == pytest.approx(mean)
    above = count_above(mean, epsilon)
    assert above >= mean
    if mean > 1e6:
        assert above - mean < 1.1 * np.sqrt(2 * mean * np.log(1 / epsilon))
