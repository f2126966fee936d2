"""The finite bound of mdi-qkd: a linear programme and adversarial sampling as witnesses."""

from dataclasses import replace
from math import exp, factorial, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.errors import ParameterError
from haris.nouns.pair_counts import PairCounts
from haris.quantum.emulate.expected_announcements import expected_pair_counts, expected_single_photons
from haris.quantum.optics.bell_station import BellStation
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.mdi_qkd import MdiQkd
from haris.quantum.security.chernoff import mean_above, mean_below
from haris.quantum.security.curty2014 import EVENTS, secret_key_length
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import Security
from haris.quantum.security.lo2012 import asymptotic
from haris.quantum.security.pair_decoys import errors_above, single_below, single_share

INTENSITIES, PROBABILITIES = (0.4, 0.08, 0.001), (0.5, 0.35, 0.15)
SOURCE = Source(1e9, INTENSITIES, PROBABILITIES)
STATION = BellStation(0.145, 3.01e-6)
FIBRE = Fibre(50e3, 0.2, misalignment=0.015)
SECURITY = Security("curty2014", 1e-10, 1e-15, 1.16)
PHOTONS = 10


def expected(n_pulses, distance_m=50e3, source=SOURCE):
    return expected_pair_counts(source, FIBRE, STATION, MdiQkd(0.6, int(n_pulses)), n_pulses, distance_m)


def sent(counts, basis, p_key_basis=0.6):
    """Pulse pairs of one basis: what s_11 is a yield of."""
    return counts.n_pulses * (p_key_basis**2 if basis == KEY_BASIS else (1 - p_key_basis) ** 2)


def by_programme(counts, of, basis, epsilon, sense):
    """Least (sense 1) or greatest (-1) s_11 over all yields that agree with the nine means, up to PHOTONS photons."""
    total = sent(counts, basis)
    a_ub, b_ub = [], []
    for i, a in enumerate(counts.intensities):
        for j, b in enumerate(counts.intensities):
            p = counts.p_intensities[i] * counts.p_intensities[j]
            poisson_a = [exp(-a) * a**n / factorial(n) for n in range(PHOTONS)]
            poisson_b = [exp(-b) * b**m / factorial(m) for m in range(PHOTONS)]
            row = np.outer(poisson_a, poisson_b).ravel()
            rest = max(0.0, 1.0 - row.sum())
            x = of[..., basis, i, j]
            high, low = mean_above(x, epsilon) / p / total, mean_below(x, epsilon) / p / total
            scale = 1.0 / high
            a_ub += [row * scale, -row * scale]
            b_ub += [high * scale, (rest - low) * scale]
    cost = np.zeros(PHOTONS**2)
    cost[PHOTONS + 1] = sense
    found = linprog(cost, A_ub=np.array(a_ub), b_ub=np.array(b_ub), bounds=(0.0, 1.0), method="highs")
    assert found.status == 0, found.message
    return sense * found.fun


@pytest.mark.parametrize("epsilon", [1.0, 1e-20])
@pytest.mark.parametrize("basis", [KEY_BASIS, TEST_BASIS])
def test_closed_forms_and_a_linear_programme_bracket_the_truth(epsilon, basis):
    for distance_m in np.linspace(0.0, 150e3, 125):
        counts = expected(1e14, distance_m)
        total = sent(counts, basis)
        true_yield, true_error = expected_single_photons(FIBRE, STATION, distance_m)
        closed = single_below(counts, basis, epsilon) / total
        least = by_programme(counts, counts.clicks, basis, epsilon, 1)
        assert closed <= least * (1 + 1e-5)
        assert least <= true_yield * (1 + 1e-6)
        assert closed > 0.5 * true_yield
        if basis == TEST_BASIS:
            closed = errors_above(counts, basis, epsilon) / total
            greatest = by_programme(counts, counts.errors, basis, epsilon, -1)
            assert true_yield * true_error <= greatest * (1 + 1e-6)
            assert greatest <= closed * (1 + 1e-5)


def test_an_adversary_does_not_pass_the_bounds_more_often_than_they_say():
    """Announced pairs of chosen photon numbers, intensities drawn afterwards, as Eve must leave them.

    Photon numbers (1, 1), (1, 2), (2, 1) alone make the closed form of the yield exact, and (0, 0), (0, 1), (1, 0),
    (1, 1) nearly that of the errors: no slack hides a bound that is too tight. A quarter of 400 blocks may fail each
    bound of one event at epsilon 1/4; several events in one linear form fail it less. False alarms: below 1e-9.
    """
    rng = np.random.default_rng(20140428)
    epsilon, blocks = 0.25, 400
    announced = {(0, 0): 3000, (0, 1): 2000, (1, 0): 2000, (1, 1): 20000, (1, 2): 9000, (2, 1): 9000}
    source = np.array(PROBABILITIES), np.array(INTENSITIES)
    clicks = np.zeros((blocks, 2, 3, 3))
    for (n, m), size in announced.items():
        weigh = [source[0] * np.exp(-source[1]) * source[1] ** k for k in (n, m)]
        p = np.outer(weigh[0] / weigh[0].sum(), weigh[1] / weigh[1].sum()).ravel()
        clicks[:, TEST_BASIS] += rng.multinomial(size, p, size=blocks).reshape(blocks, 3, 3)
    counts = PairCounts(1e9, INTENSITIES, PROBABILITIES, clicks, clicks)
    share = single_share(counts) ** 2
    failed = np.mean(share * single_below(counts, TEST_BASIS, epsilon) > announced[1, 1])
    assert 0.0 <= failed <= 0.25
    assert np.mean(share * single_below(counts, TEST_BASIS, 1.0) > announced[1, 1]) == pytest.approx(0.5, abs=0.15)
    failed = np.mean(share * errors_above(counts, TEST_BASIS, epsilon) < announced[1, 1])
    assert failed <= 0.25


@st.composite
def measured(draw):
    """Counts of any kind, honest or not, from nothing to 1e9."""
    size = draw(st.sampled_from([0, 3, 100, 10**4, 10**6, 10**9]))
    clicks = np.array(draw(st.lists(st.integers(0, size), min_size=18, max_size=18)), dtype=np.int64)
    errors = np.array([draw(st.integers(0, int(n))) for n in clicks], dtype=np.int64)
    return PairCounts(10**12, INTENSITIES, PROBABILITIES, clicks.reshape(2, 3, 3), errors.reshape(2, 3, 3))


@settings(deadline=None)
@given(measured(), st.sampled_from([1e-12, 1e-6]))
def test_any_counts_give_a_length(counts, epsilon):
    key = secret_key_length(counts, replace(SECURITY, epsilon_secrecy=epsilon), 0)
    assert 0 <= key.length_bits <= counts.clicks[KEY_BASIS, 0, 0]
    assert all(np.all(np.isfinite(t.value)) for t in key.terms)


@pytest.mark.parametrize("n_pulses", [1e9, 1e11, 1e12, 1e13, 1e15, 1e18, 1e22])
def test_finite_below_asymptotic(n_pulses):
    distances_m = np.linspace(0, 200e3, 21)
    counts = expected(n_pulses, distances_m)
    leaked = 1.16 * counts.clicks[..., KEY_BASIS, 0, 0] * binary_entropy(counts.signal_qber[..., KEY_BASIS])
    endless = asymptotic(counts, 0.6, *expected_single_photons(FIBRE, STATION, distances_m), leaked)
    key = secret_key_length(counts, SECURITY, leaked)
    assert np.all(key.length_bits <= endless.length_bits)
    assert np.all(key.value("single") <= endless.value("single"))
    assert np.all(key.value("phase_error") >= endless.value("phase_error"))


def test_it_tends_to_the_asymptotic_one():
    # Decoys so weak that the photon numbers they leave open no longer matter, and a block to match.
    source = Source(1e9, (0.3, 3e-3, 1e-5), (0.5, 0.3, 0.2))
    counts = expected(1e19, 50e3, source)
    endless = asymptotic(counts, 0.6, *expected_single_photons(FIBRE, STATION, 50e3), 0)
    assert secret_key_length(counts, SECURITY, 0).length_bits > 0.95 * endless.length_bits


def test_the_key_shrinks_by_what_leaks_and_the_budget_adds_up():
    counts = expected(1e13)
    key = secret_key_length(counts, SECURITY, 0)
    assert secret_key_length(counts, SECURITY, 1000).length_bits == key.length_bits - 1000
    assert secret_key_length(counts, SECURITY, 1e12).length_bits == 0
    assert EVENTS == 20  # 7 + 7 clicks, 4 errors, the signals among single photons, random sampling
    costs = ("entropy", "leaked", "secrecy", "correctness")
    assert key.length_bits == int(key.value("single") - sum(key.value(name) for name in costs))
    assert key.value("secrecy") == pytest.approx(2 * log(1 / 1e-10) / log(2))


def test_one_decoy_is_refused():
    two = PairCounts(1, (0.4, 0.1), (0.5, 0.5), np.zeros((2, 2, 2)), np.zeros((2, 2, 2)))
    with pytest.raises(ParameterError, match=r"must be 3, a signal and two decoys, got 2"):
        secret_key_length(two, SECURITY, 0)
