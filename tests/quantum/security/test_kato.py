"""Kato's inequality against independent events, and PyPI qkd."""

import numpy as np
import pytest
import qkd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from haris.quantum.security.kato import events_above, kato_coefficients, probabilities_above, probabilities_below

events = st.tuples(
    st.integers(1, 10**9),
    st.floats(0, 1) | st.floats(-9, 0).map(lambda x: 10**x),
    st.floats(0, 1),
    st.floats(1e-25, 0.5),
)


@given(events)
@settings(deadline=None, max_examples=100)
def test_the_bounds_hold_for_independent_events(case):
    # Events of one probability: a bound fails only for counts that are together as rare as epsilon.
    n, p, guess, epsilon = case
    counts = np.unique(np.linspace(0, n, 60).astype(int))
    low = [x for x in counts if probabilities_above(x, n, guess * n, epsilon) < n * p * (1 - 1e-12)]
    high = [x for x in counts if probabilities_below(x, n, guess * n, epsilon) > n * p * (1 + 1e-9) + 1e-6]
    assert not low or binom.cdf(max(low), n, p) <= epsilon * (1 + 1e-6)
    assert not high or binom.sf(min(high) - 1, n, p) <= epsilon * (1 + 1e-6)
    assert binom.sf(events_above(n * p, n, guess * n, epsilon) + 1e-6, n, p) <= epsilon * (1 + 1e-6)


@given(events)
def test_a_good_guess_gives_a_bound_near_the_count(case):
    p, epsilon, size = case[1], 1e-10, 10.0**12
    spread = 3 * np.sqrt(2 * size * p * 23.1) + 500
    assert probabilities_above(size * p, size, size * p, epsilon) <= size * p + spread
    assert probabilities_below(size * p, size, size * p, epsilon) >= size * p - spread
    assert events_above(size * p, size, size * p, epsilon) <= size * p + spread


@settings(max_examples=500, deadline=None)
@given(st.floats(2.0, 14.0), st.floats(-10, -0.31), st.floats(-25.0, -1.0))
def test_katos_coefficients_are_those_of_qkd(size, share, epsilon):
    n = 10.0**size
    ours = kato_coefficients(np.array(n), np.array(n * 10**share), 10.0**epsilon)
    assert ours == pytest.approx(qkd._core.dps_kato(n, n * 10**share, 10.0**epsilon), rel=1e-6, abs=1e-9)


@given(events)
def test_what_is_counted_chooses_no_bound(case):
    # The theorem is of coefficients fixed beforehand: for one guess every bound is a straight line.
    n, _, guess, epsilon = case
    x = np.linspace(0.2, 0.3, 3) * n
    for bound in (probabilities_above, probabilities_below, events_above):
        low, middle, high = bound(x, n, guess * n, epsilon)
        cut = min(low, middle, high) <= 0.0 or max(low, middle, high) >= n
        assert cut or middle == pytest.approx((low + high) / 2.0, rel=1e-9)
