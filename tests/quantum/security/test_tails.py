from fractions import Fraction
from math import comb, exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.limits import plob
from haris.quantum.security.tails import hoeffding, log_hypergeometric_tail, serfling, unsampled_errors

small = st.integers(1, 40)


def exact_tail(observed, sampled, unsampled, errors):
    total = comb(sampled + unsampled, sampled)
    ways = sum(comb(errors, j) * comb(sampled + unsampled - errors, sampled - j) for j in range(observed + 1))
    return Fraction(ways, total)


def exact_bound(observed, sampled, unsampled, epsilon):
    """The most errors left that a test at level epsilon does not refute, by counting with integers."""
    left = [k for k in range(unsampled + 1) if exact_tail(observed, sampled, unsampled, observed + k) > epsilon]
    return max(left)


@given(small, small, st.data())
def test_tail_is_never_below_the_exact_one(sampled, unsampled, data):
    observed = data.draw(st.integers(0, sampled))
    errors = data.draw(st.integers(observed, observed + unsampled))
    exact = float(exact_tail(observed, sampled, unsampled, errors))
    assert log_hypergeometric_tail(observed, sampled, unsampled, errors) >= log(exact) - 1e-9


@pytest.mark.parametrize(("sampled", "unsampled", "rate"), [(5_000, 60_000, 0.02), (300_000, 6_000_000, 0.05)])
def test_tail_is_close_to_the_exact_one_far_out(sampled, unsampled, rate):
    observed = int(sampled * rate)
    bound = unsampled_errors(observed, sampled, unsampled, 1e-20)
    errors = observed + int(bound)
    ours = log_hypergeometric_tail(observed, sampled, unsampled, errors)
    exact = hypergeom.logcdf(observed, sampled + unsampled, errors, sampled)
    assert exact - 1e-6 <= ours <= exact + 0.02  # a geometric series instead of the sum: 1/z^2 at z = 9.3
    assert hypergeom.logcdf(observed, sampled + unsampled, errors + 1, sampled) <= log(1e-20)


@given(small, small, st.data(), st.sampled_from([0.5, 1e-2, 1e-6]))
def test_bound_is_never_below_the_exact_one(sampled, unsampled, data, epsilon):
    observed = data.draw(st.integers(0, sampled))
    bound = unsampled_errors(observed, sampled, unsampled, epsilon)
    assert exact_bound(observed, sampled, unsampled, epsilon) <= bound <= unsampled


@pytest.mark.parametrize("size", [1e12, 1e15, 1e18, 1e25])
def test_counts_beyond_the_digits_of_a_factorial_have_a_bound(size):
    bound = unsampled_errors(0.05 * size, size, 3 * size, 1e-20)
    assert 0.05 < bound / (3 * size) < 0.0501
    assert bound / (3 * size) == pytest.approx(0.05 + serfling(size, 3 * size, 1e-20), rel=1e-12)


@pytest.mark.parametrize("size", [10.0, 1e12, 3e17, 1e25])
def test_where_nothing_was_sampled_all_may_be_wrong(size):
    assert unsampled_errors(0.0, 0.0, size, 1e-10) == size


@given(st.integers(1, 10**7), st.integers(1, 10**8), st.floats(0, 0.5), st.sampled_from([1e-9, 1e-21]))
def test_bound_is_monotone_and_within_serfling(sampled, unsampled, rate, epsilon):
    observed = int(rate * sampled)
    bound = unsampled_errors(observed, sampled, unsampled, epsilon)
    assert unsampled_errors(observed + 1, sampled + 1, unsampled, epsilon) >= bound
    assert unsampled_errors(observed, sampled + 1, unsampled, epsilon) <= bound
    # A larger unsampled part yields no less secret, but for the cost of one error where the whole bound steps up.
    kept = [
        n * (1 - binary_entropy(min(unsampled_errors(observed, sampled, n, epsilon) / n, 0.5)))
        for n in (unsampled, unsampled + max(1, unsampled // 50))
    ]
    assert kept[1] >= kept[0] - np.log2(unsampled + 2)
    if unsampled > 1000 and sampled > 1000:
        rounding = 1.0 + 1e-6 * unsampled
        assert bound <= (observed / sampled + serfling(sampled, unsampled, epsilon)) * unsampled + rounding


def test_edges():
    assert unsampled_errors(0, 0, 100, 1e-9) == 100  # no sample says nothing
    assert unsampled_errors(0, 100, 0, 1e-9) == 0
    assert unsampled_errors(5, 5, 100, 1e-9) == 100
    assert unsampled_errors(1.2, 99.9, 50.7, 1e-9) == unsampled_errors(2, 99, 50, 1e-9)
    np.testing.assert_array_equal(
        unsampled_errors([0, 10], [100, 100], [1000, 1000], 1e-9),
        [unsampled_errors(0, 100, 1000, 1e-9), unsampled_errors(10, 100, 1000, 1e-9)],
    )


def test_hoeffding_and_entropy_and_plob():
    n, t = 1000, float(hoeffding(1000, 1e-3))
    assert exp(-2 * t**2 / n) == pytest.approx(1e-3)
    assert hoeffding(0, 1e-9) == 0
    assert hoeffding(5, 1.0) == 0
    np.testing.assert_allclose(binary_entropy([0, 0.5, 1, 0.11]), [0, 1, 0, 0.499915958], rtol=1e-8)
    assert plob(1.0) == np.inf
    assert plob(0.0) == 0


def by_bisection(x, m, n, epsilon):
    """The definition: the most errors left that are not refuted, in steps of halves."""
    low, high = np.zeros_like(n), n
    while np.any(low < high):
        middle = np.ceil((low + high) / 2)
        refuted = log_hypergeometric_tail(x, m, n, x + middle) <= log(epsilon)
        low, high = np.where(refuted, low, middle), np.where(refuted, middle - 1, high)
    return low


@pytest.mark.parametrize("epsilon", [1.0, 0.999, 0.3, 1e-9, 1e-21, 1e-60])
def test_bound_is_the_same_by_bisection(epsilon):
    rng = np.random.default_rng(20261128)
    m, n = np.floor(10 ** rng.uniform(0, 6, (2, 3000)))
    x = np.floor(m * rng.uniform(0, 1, 3000) ** 3)
    x[:300], m[:100] = 0, 0
    np.testing.assert_array_equal(unsampled_errors(x, m, n, epsilon), by_bisection(x, m, n, epsilon))
