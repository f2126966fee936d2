"""Source-independent qubits: words and states by brute force, errors by chance, and an Eve who knows what she sends."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.source_independent import (
    SOURCE_INDEPENDENT,
    CheckCounts,
    SourceIndependent,
    binary_entropy,
)
from haris.quantum.security.tails import unsampled_errors

GOOD = SourceIndependent(pulse_hz=10e6, p_click=0.2, p_check=0.01, check_error=0.01)
EPSILON = 2.0**-101
BLOCK = 10**6


def found(parameters, checks=None, n=BLOCK, epsilon=EPSILON):
    return SOURCE_INDEPENDENT.randomness(parameters, n, epsilon, checks)


def with_(**changes):
    return dataclasses.replace(GOOD, **changes)


VALID = st.builds(
    SourceIndependent,
    st.floats(1e-3, 1e12),
    st.floats(1e-12, 1.0),
    st.floats(1e-12, 0.5),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.57),
)


@settings(max_examples=200, deadline=None)
@given(VALID, st.integers(1, 10**9), st.sampled_from([2.0**-101, 2.0**-300, 2.0**-901]))
def test_every_valid_source_has_a_bound(parameters, n_samples, epsilon):
    result = found(parameters, None, n_samples, epsilon)
    assert 0.0 <= result.min_entropy_per_sample <= 1.0
    assert result.spent_bits >= 0.0
    assert not any(np.isnan(t.value) for t in result.terms)


@pytest.mark.parametrize("n", [1, 7, 40, 300])
def test_words_with_few_errors_are_no_more_than_the_entropy_says(n):
    for k in range(n // 2 + 1):
        assert math.log2(sum(math.comb(n, j) for j in range(k + 1))) <= n * binary_entropy(k / n) + 1e-9


def test_a_state_of_few_errors_is_guessed_as_well_as_its_words_are_many():
    """Of seven qubits with at most two errors in X, no Z-word is likelier than 29 / 2^7, which one state attains."""
    n, k, rng = 7, 2, np.random.default_rng(1)
    words = [w for w in itertools.product((0, 1), repeat=n) if sum(w) <= k]
    hadamard = np.array([[1, 1], [1, -1]]) / math.sqrt(2.0)
    in_z = np.eye(1)
    for _ in range(n):
        in_z = np.kron(in_z, hadamard)
    basis = in_z[:, [int("".join(map(str, w)), 2) for w in words]]
    most = len(words) / 2**n
    even = basis @ np.full(len(words), 1 / math.sqrt(len(words)))
    assert np.max(even**2) == pytest.approx(most)
    for _ in range(300):
        state = rng.standard_normal(len(words)) + 1j * rng.standard_normal(len(words))
        assert np.max(abs(basis @ state / np.linalg.norm(state)) ** 2) <= most * (1 + 1e-12)
    assert most <= 2.0 ** (n * binary_entropy(k / n) - n)


def test_errors_are_more_than_allowed_no_more_often_than_delta():
    """Worst count of errors for a check of 500 in 5500: 200 000 draws at delta 0.01; false alarm below 1e-9."""
    rng, delta, excess = np.random.default_rng(2), 0.01, []
    for errors in (20, 100, 600, 2700):
        seen = rng.hypergeometric(errors, 5500 - errors, 500, 200_000)
        values = np.unique(seen)
        allowed = dict(zip(values, unsampled_errors(values, 500, 5000, delta), strict=True))
        excess.append(np.mean([errors - s > allowed[s] for s in seen]))
    assert max(excess) <= delta + 6 * math.sqrt(delta / 200_000)
    assert max(excess) > 0.0


@pytest.mark.parametrize("worse", [{"check_error": 0.02}, {"p_check": 0.005}, {"misalignment_rad": 0.05}])
def test_what_is_worse_gives_less(worse):
    assert found(with_(**worse)).min_entropy_bits < found(GOOD).min_entropy_bits - 1000


def test_less_epsilon_gives_less_and_a_long_block_nears_the_limit():
    assert found(GOOD, epsilon=2.0**-200).min_entropy_bits < found(GOOD).min_entropy_bits
    long = found(GOOD, n=10**9).min_entropy_per_sample
    assert 1 - binary_entropy(0.011) < long < 1 - binary_entropy(0.01)


def test_an_eve_who_sends_bits_that_she_knows_is_found_out():
    """A share f of eigenstates of the bits' basis, the rest honest: half of f are errors of the check basis."""
    for f in (0.0, 0.02, 0.1, 0.3, 1.0):
        guessed = f + (1 - f) / 2
        clicks = 10**7
        bound = found(GOOD, CheckCounts(clicks, round(clicks * f / 2)), n=10**8).min_entropy_per_sample
        assert bound <= -math.log2(guessed) + 1e-12
    assert bound == 0.0


def test_bases_and_double_clicks_are_paid_for():
    assert found(GOOD).spent_bits == pytest.approx((BLOCK / 0.99 / 0.2) * binary_entropy(0.01), rel=1e-4)
    assert found(with_(p_double=0.1)).spent_bits - found(GOOD).spent_bits == pytest.approx(0.1 * BLOCK / 0.99, rel=1e-5)


def test_emulated_checks_are_as_many_as_expected():
    """Six standard errors."""
    emission = SOURCE_INDEPENDENT.emulate(GOOD, BLOCK, 5)
    assert len(emission.samples) == BLOCK
    assert abs(emission.checks.clicks - BLOCK / 99) < 6 * math.sqrt(BLOCK / 99 / 0.99)
    assert abs(emission.checks.errors - 0.01 * emission.checks.clicks) < 6 * math.sqrt(0.01 * emission.checks.clicks)
    assert abs(emission.samples.values.mean() - 0.5) < 3e-3
    assert found(GOOD, emission.checks).min_entropy_bits == pytest.approx(found(GOOD).min_entropy_bits, rel=0.05)


def test_no_checks_no_bits():
    assert found(GOOD, CheckCounts(0, 0)).min_entropy_bits == 0.0


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"pulse_hz": 0.0}, "pulse_hz"),
        ({"p_click": 0.0}, "p_click"),
        ({"p_check": 0.6}, "p_check"),
        ({"check_error": -0.1}, "check_error"),
        ({"p_double": 2.0}, "p_double"),
        ({"misalignment_rad": 2.0}, "misalignment_rad"),
    ],
)
def test_bad_parameters_are_named(wrong, named):
    with pytest.raises(ParameterError, match=named):
        with_(**wrong)


def test_more_errors_than_clicks_are_refused():
    with pytest.raises(ParameterError, match="errors"):
        CheckCounts(5, 6)
