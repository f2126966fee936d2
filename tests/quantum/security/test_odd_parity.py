"""Pairing against bits that are paired one by one, and phase errors of pairs against exact states of a few spins."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.quantum.security.odd_parity import EVENTS, pair_bits, pair_phase_errors, untagged_pairs


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


@pytest.mark.parametrize(
    ("n", "n_ones", "n_singlets", "n_pairs"), [(4, 2, 1, 1), (6, 3, 1, 2), (6, 2, 1, 2), (7, 3, 2, 3), (8, 4, 2, 4)]
)
def test_mean_phase_errors_of_pairs_are_those_of_exact_spin_states(n, n_ones, n_singlets, n_pairs):
    # Mixed over permutations: n_pairs pairs drawn from all spins, given that all of them are odd.
    state, rng = spin_state(n, n_ones, n_singlets), np.random.default_rng(1)
    draws = [rng.permutation(n) for _ in range(3000)]
    total = sum(singlets_found(state, [(d[2 * i], d[2 * i + 1]) for i in range(n_pairs)]) for d in draws)
    total /= total.sum()
    mean = n_singlets * (n - n_singlets + 1) / (2 * n_ones * (n - n_ones))  # of total spin n/2 - n_singlets
    assert np.arange(n_pairs + 1) @ total / n_pairs == pytest.approx(mean, rel=0.06)
    # The bound's picture: n_singlets random 0s and 1s are partners; a pair of partners errs; a pair that touches none
    # does not; every other errs half the time.
    bits = np.array([draws_of_picture(rng, n - n_ones, n_ones, n_singlets, n_pairs) for _ in range(20_000)])
    assert bits.mean() == pytest.approx(mean, rel=0.06)


def draws_of_picture(rng, n_zeros, n_ones, n_singlets, n_pairs):
    zeros, ones = rng.permutation(n_zeros)[:n_pairs], rng.permutation(n_ones)[:n_pairs]
    held = (zeros < n_singlets) | (ones < n_singlets)
    whole = (zeros < n_singlets) & (zeros == ones)
    return np.mean(np.where(whole, 1.0, held * 0.5))


def test_a_sum_of_phase_errors_spreads_no_more_than_the_bound_allows():
    # Exact distribution of all 4 pairs of 8 spins, singlets 1 and 2: its centred moment generating function stays below
    # exp(M t^2 / 4) of M touched pairs, mixed over how many a random pairing touches.
    rng = np.random.default_rng(2)
    for n_singlets in (1, 2):
        state = spin_state(8, 4, n_singlets)
        total, t = np.zeros(5), np.array([0.3, 1.0, 2.0, 4.0])
        bound, n = np.zeros(4), 0.0
        for _ in range(2000):
            d = rng.permutation(8)
            pairs = [(d[2 * i], d[2 * i + 1]) for i in range(4)]
            found = singlets_found(state, pairs)
            total += found
            whole = sum(any({2 * k, 2 * k + 1} == set(pair) for k in range(n_singlets)) for pair in pairs)
            touched = sum(any(spin < 2 * n_singlets for spin in pair) for pair in pairs)
            bound += found.sum() * np.exp(t * (touched + whole) / 2 + (touched - whole) * t**2 / 4)
            n += found.sum()
        mgf = (total / total.sum()) @ np.exp(np.outer(np.arange(5), t))
        assert np.all(mgf <= bound / n)


counts = st.floats(0, 9).map(lambda e: 10.0**e)


@given(counts, counts, st.floats(0, 1), st.floats(0, 1))
def test_the_rate_without_deviations_is_two_e_one_minus_e_and_more_where_unbalanced(zeros, ones, error, share):
    n = zeros + ones
    pairs, k = share * min(zeros, ones), error * min(zeros, ones)
    found = pair_phase_errors(pairs, zeros, ones, k, 1.0)
    expected = min(k * (n - k) / (2.0 * zeros * ones), 0.5)
    assert found == pytest.approx(pairs * expected, rel=1e-9, abs=1e-12)
    assert found >= pairs * min(2 * (k / n) * (1 - k / n), 0.5) - 1e-9
    finite = pair_phase_errors(pairs, zeros, ones, k, 1e-10)
    assert found - 1e-9 <= finite <= pairs / 2


def test_phase_errors_of_drawn_pairs_stay_below_the_bound():
    rng = np.random.default_rng(9)
    n0, n1, k, r = 3000, 2800, 250, 2000
    drawn = []
    for _ in range(2000):
        zeros, ones = rng.permutation(n0)[:r], rng.permutation(n1)[:r]
        held, whole = (zeros < k) | (ones < k), (zeros < k) & (zeros == ones)
        touched = held.sum() - whole.sum()
        drawn.append(whole.sum() + 2 * rng.binomial(touched // 2, 0.5) + touched % 2)  # errors two by two: the worst
    for epsilon in (1e-2, 1e-3):
        assert np.mean(np.array(drawn) > pair_phase_errors(r, n0, n1, k, epsilon)) <= EVENTS * epsilon
    assert np.max(drawn) < pair_phase_errors(r, n0, n1, k, 1e-10) < 2.5 * np.mean(drawn)
