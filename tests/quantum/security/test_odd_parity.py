"""Pairing against bits that are paired one by one, and phase errors of pairs against exact states of a few spins."""

from fractions import Fraction
from itertools import combinations
from math import comb, factorial, perm

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.quantum.security.odd_parity import (
    log_factorial_moment,
    pair_bits,
    pair_phase_errors,
    untagged_pairs,
)


def paired(rng, signal, untagged_zeros, untagged_ones):
    """Bob pairs each 0 with a 1 at random; Alice keeps odd pairs. Kept, wrong and untagged pairs."""
    nobody, alice, bob, both = signal
    # Columns: Alice's bit, whether the bit is untagged. A bit of Bob is 0 where he sent.
    zeros = np.array([[0, i < untagged_zeros] for i in range(bob)] + [[1, 0]] * both)
    ones = np.array([[1, i < untagged_ones] for i in range(alice)] + [[0, 0]] * nobody)
    n = min(len(zeros), len(ones))
    zeros, ones = rng.permutation(zeros)[:n], rng.permutation(ones)[:n]
    kept = zeros[:, 0] != ones[:, 0]
    return kept.sum(), (kept & (zeros[:, 0] == 1)).sum(), (zeros[:, 1] & ones[:, 1]).sum()


@pytest.mark.parametrize("signal", [(300, 2000, 2100, 700), (5, 900, 1500, 800), (0, 400, 300, 0)])
def test_pairs_are_those_of_bits_paired_one_by_one(signal):
    rng, n = np.random.default_rng(5), 400
    untagged = (int(0.6 * signal[2]), int(0.55 * signal[1]))
    drawn = np.array([paired(rng, signal, *untagged) for _ in range(n)])
    found = pair_bits(np.array(signal))
    expected = [found.kept, found.wrong, untagged_pairs(np.array(signal), *untagged, 1.0)]
    allowed = 5 * drawn.std(axis=0) / np.sqrt(n) + 1e-9  # 5 standard errors: fails once in 2e6
    assert np.all(np.abs(drawn.mean(axis=0) - expected) <= allowed)
    low = untagged_pairs(np.array(signal), *untagged, 1e-3)
    assert np.mean(drawn[:, 2] < low) <= 1e-2


def spin_state(n, n_ones, n_singlets):
    """n_singlets singlets on spins (0, 1), (2, 3), ... and a Dicke state with the other ones on the rest."""
    rest, ones = n - 2 * n_singlets, n_ones - n_singlets
    state = np.zeros((2,) * rest)
    for places in combinations(range(rest), ones):
        state[tuple(int(i in places) for i in range(rest))] = comb(rest, ones) ** -0.5
    singlet = np.array([[0.0, 1.0], [-1.0, 0.0]]) / np.sqrt(2.0)
    whole = np.ones(())
    for _ in range(n_singlets):
        whole = np.multiply.outer(whole, singlet)
    return np.multiply.outer(whole, state)


def singlets_found(state, pairs):
    """Distribution of how many of the pairs of spins are singlets, given that all of them are odd."""
    n = state.ndim
    order = [spin for pair in pairs for spin in pair]
    state = state.transpose(order + [i for i in range(n) if i not in order])
    state = state.reshape((4,) * len(pairs) + (-1,))
    odd = np.array([[0.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, 0.0]]) / np.sqrt(2.0)  # triplet, singlet
    for axis in range(len(pairs)):
        state = np.moveaxis(np.tensordot(odd, state, axes=(1, axis)), 0, axis)
    weights = (state**2).sum(axis=-1)
    found = np.zeros(len(pairs) + 1)
    for outcome in np.ndindex(*weights.shape):
        found[sum(outcome)] += weights[outcome]
    return found  # not normalised: its sum is the probability that all are odd


def arrangements(n, n_pairs):
    """Every way to draw n_pairs disjoint pairs of n spins, each once."""
    if n_pairs == 0:
        return [[]]
    found = []
    for first in combinations(range(n), 2):
        for rest in arrangements(n, n_pairs - 1):
            if all(first < other and not set(first) & set(other) for other in rest):
                found.append([first, *rest])
    return found


def averaged(state, n_pairs):
    """Distribution of singlets among n_pairs random pairs, all of them odd, of any state of spins."""
    parts = (state.real, state.imag)
    total = sum(singlets_found(part, pairs) for part in parts for pairs in arrangements(state.ndim, n_pairs))
    return total / total.sum()


def moments(weights):
    """E[W (W-1) ... (W-s+1)] for s = 0, 1, ..."""
    return np.array([sum(p * perm(w, s) for w, p in enumerate(weights)) for s in range(len(weights))])


def bounds_of_moments(n_pairs, zeros, ones, errors):
    values = (np.float64(x) for x in (n_pairs, zeros, ones, errors))
    r, n0, n1, k = values
    return np.array([float(np.exp(log_factorial_moment(s, r, n0, n1, k))) for s in range(min(n_pairs, errors) + 1)])


SPINS = [(4, 2, 1, 1), (5, 2, 2, 2), (6, 3, 1, 2), (6, 2, 1, 2), (6, 3, 2, 3), (7, 3, 2, 3), (8, 4, 2, 3)]


@pytest.mark.parametrize(("n", "n_ones", "n_singlets", "n_pairs"), SPINS)
def test_moments_are_those_of_exact_spin_states(n, n_ones, n_singlets, n_pairs):
    found = moments(averaged(spin_state(n, n_ones, n_singlets), n_pairs))
    expected = bounds_of_moments(n_pairs, n - n_ones, n_ones, n_singlets)
    assert found[: expected.size] == pytest.approx(expected, rel=1e-9)
    assert found[expected.size :] == pytest.approx(0.0, abs=1e-12)  # never more phase errors of pairs than of bits


def rotated(state):
    """The same spins, each of whose bases Z and X is the other's."""
    flip = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2.0)
    for axis in range(state.ndim):
        state = np.moveaxis(np.tensordot(flip, state, axes=(1, axis)), 0, axis)
    return state


def correlated(rng, n, errors, kind):
    """A state of n spins with at most that many phase errors: X strings that Eve chose, or a superposition of them."""
    state = np.zeros((2,) * n, dtype=complex)
    for string in np.ndindex(*state.shape):
        if sum(string) <= errors:
            state[string] = rng.normal() + 1j * rng.normal()
    if kind == "string":
        chosen = tuple(int(i < errors) for i in range(n))
        state = np.zeros_like(state)
        state[chosen] = 1.0
    elif kind == "all or none":
        state[...] = 0.0
        state[(0,) * n] = state[tuple(int(i < errors) for i in range(n))] = 1.0
    elif kind == "sparse":
        state *= rng.random(state.shape) < 0.2
        state[(0,) * n] = 1.0
    return rotated(state)


@pytest.mark.parametrize("kind", ["any", "string", "all or none", "sparse"])
@pytest.mark.parametrize(("n", "errors", "n_pairs"), [(5, 1, 2), (6, 1, 3), (6, 2, 2), (6, 2, 3), (7, 2, 3)])
def test_moments_hold_for_correlated_phase_errors(n, errors, n_pairs, kind):
    # Eve may correlate phase errors among bits as she likes: given how many bits are 1, the moments are never passed.
    rng = np.random.default_rng(n + errors)
    state = correlated(rng, n, errors, kind)
    for n_ones in range(max(errors, n_pairs), n - max(errors, n_pairs) + 1):
        sector = np.where(np.indices(state.shape).sum(axis=0) == n_ones, state, 0.0)
        found, most = moments(averaged(sector, n_pairs)), bounds_of_moments(n_pairs, n - n_ones, n_ones, errors)
        assert np.all(found[: most.size] <= most * (1 + 1e-9))
        assert np.all(np.abs(found[most.size :]) < 1e-12)


def exact(n_pairs, zeros, ones, errors):
    """Distribution of phase errors of pairs for the total spin of just that many, from the moments, in fractions."""
    most = min(n_pairs, errors)
    falling = [
        Fraction(perm(n_pairs, s) * perm(errors, s) * perm(zeros + ones + 1 - errors, s), 2**s)
        / (perm(zeros, s) * perm(ones, s))
        for s in range(most + 1)
    ]
    return [
        sum((-1) ** (s - w) * comb(s, w) * falling[s] / factorial(s) for s in range(w, most + 1))
        for w in range(most + 1)
    ]


@pytest.mark.parametrize("size", range(2, 15, 3))
def test_no_total_spin_passes_the_bound_more_often_than_epsilon(size):
    # Mixed over permutations every state of n bits is a mixture of total spins: all of them are tried here.
    for other in range(2, 13):
        for n_pairs in {1, min(size, other) // 2, min(size, other) - 1, min(size, other)} - {0}:
            tails = []
            for k in range(min(size, other)):
                p = exact(n_pairs, size, other, k)
                assert sum(p) == 1
                assert min(p) >= 0
                tails.append(p)
            for epsilon in (0.3, 0.01, 1e-5):
                found = pair_phase_errors(n_pairs, size, other, np.arange(len(tails)), epsilon)
                for k, at_most in enumerate(found):
                    if at_most < n_pairs / 2:  # where half is taken nothing is claimed
                        for p in tails[: k + 1]:
                            assert sum(p[w] for w in range(len(p)) if w > at_most + 1e-9) <= epsilon


def test_the_bound_is_near_the_exact_tail():
    p = exact(60, 150, 140, 20)
    for epsilon in (1e-2, 1e-6):
        at_most = float(pair_phase_errors(60, 150, 140, 20, epsilon))
        passed = [float(sum(p[w:])) for w in range(len(p))]
        quantile = next(w for w, tail in enumerate(passed) if tail <= epsilon)
        assert quantile - 1 <= at_most <= quantile + 2


@pytest.mark.parametrize("size", [1e3, 1e6, 1e9, 1e12])
def test_deviations_are_of_the_size_of_the_spread(size):
    r, n0, n1, k = size / 3, size, 1.3 * size, size / 20
    mean, bound = (float(pair_phase_errors(r, n0, n1, k, e)) for e in (1.0, 1e-20))
    second = float(np.exp(log_factorial_moment(2, *(np.float64(x) for x in (r, n0, n1, k)))))
    if size < 1e7:  # beyond, a difference of squares has no digits left
        variance = second + mean - mean**2
        assert bound - mean == pytest.approx(np.sqrt(-2 * variance * np.log(1e-20)), rel=0.3)
    assert bound - mean < np.sqrt(-2 * mean * np.log(1e-20)) - np.log(1e-20)


counts = st.floats(0, 9).map(lambda e: 10.0**e)


@given(counts, counts, st.floats(0, 1), st.floats(0, 1))
def test_the_rate_without_deviations_is_two_e_one_minus_e_and_more_where_unbalanced(zeros, ones, error, share):
    n = zeros + ones
    pairs, k = share * min(zeros, ones), error * min(zeros, ones)
    found = pair_phase_errors(pairs, zeros, ones, k, 1.0)
    expected = min(pairs * k * (n + 1 - k) / (2.0 * zeros * ones), k, pairs / 2)
    assert found == pytest.approx(expected if k < min(zeros, ones) and pairs >= 1 else pairs / 2, rel=1e-9, abs=1e-12)
    assert found >= min(pairs * min(2 * (k / n) * (1 - k / n), 0.5), k) - 1e-9
    finite = pair_phase_errors(pairs, zeros, ones, k, 1e-10)
    assert found - 1e-9 <= finite <= pairs / 2
