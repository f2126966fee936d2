"""Phase errors of states that are never sent: density matrices, a linear programme, PyPI qkd, the worst of all Eves."""

from dataclasses import replace
from math import factorial, pi

import numpy as np
import pytest
import qkd
from scipy.optimize import linprog

from haris.nouns.errors import ParameterError
from haris.nouns.three_state_counts import TEST_STATE, ThreeStateCounts
from haris.quantum.security.chernoff import mean_above, mean_below
from haris.quantum.security.loss_tolerant import Preparation, events, phase_errors
from haris.quantum.security.virtual_states import (
    MINUS,
    PLUS,
    least_test_chance,
    phase_error_chance,
    phase_error_weights,
    virtual_coefficients,
)

TEST_BASIS = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[0.5, -0.5], [-0.5, 0.5]])


def state(angle):
    return np.array([np.cos(angle / 2), np.sin(angle / 2)])


def random_angles(rng):
    """Three states well apart, any way round."""
    while True:
        angles = rng.uniform(-pi, pi, 3)
        gaps = np.abs(np.exp(1j * angles) - np.exp(1j * np.roll(angles, 1)))
        if gaps.min() > 0.2:
            return tuple(angles)


def random_outcomes(rng):
    """What any channel and any lossy measurement of it do to a qubit: two positive operators, sum at most 1."""
    raw = rng.normal(size=(3, 2, 2)) + 1j * rng.normal(size=(3, 2, 2))
    raw[2] *= rng.choice([0.01, 1.0, 30.0])  # loss
    positive = np.array([m @ m.conj().T for m in raw])
    values, vectors = np.linalg.eigh(positive.sum(axis=0))
    root = vectors @ np.diag(values**-0.5) @ vectors.conj().T
    return [root @ m @ root for m in positive[:2]]


def virtual_errors(angles, sign, outcomes):
    """Alice measures what is entangled with the key state in the conjugate basis; Bob's outcome differs."""
    pair = (np.kron([1, 0], state(angles[0])) + sign * np.kron([0, 1], state(angles[1]))) / np.sqrt(2)
    wrong = zip(TEST_BASIS, outcomes[::-1], strict=True)
    return sum((pair @ np.kron(alice, bob) @ pair).real for alice, bob in wrong)


def test_what_was_sent_tells_the_phase_errors_of_any_channel():
    rng = np.random.default_rng(1)
    for _ in range(1000):
        angles, p_key = random_angles(rng), rng.uniform(0.05, 0.95)
        p_states = (p_key / 2, p_key / 2, 1 - p_key)
        sign = min((1, -1), key=lambda s: virtual_errors(angles, s, TEST_BASIS))
        outcomes = random_outcomes(rng)
        seen = [[(state(a) @ m @ state(a)).real for m in outcomes] for a in angles]
        clicks = np.array(p_states)[:, None] * np.array(seen)
        told = np.sum(phase_error_weights(angles, p_states) * clicks)
        assert told == pytest.approx(p_key * virtual_errors(angles, sign, outcomes), abs=1e-9)


def test_errors_of_the_key_basis_bound_phase_errors_of_any_channel():
    """Random operators from qubit to qubit, lossy, near the identity or not, for states ideal, nearly so, and not."""
    rng = np.random.default_rng(6)
    slack, detected = [], []
    for _ in range(1200):
        flaw = rng.choice([0.0, 0.0, 0.1, 0.5])
        angles = (flaw * rng.normal(), pi + flaw * rng.normal(), pi / 2 + flaw * rng.normal())
        n = rng.integers(1, 4)
        operators = rng.choice([0.02, 0.1, 1.0]) * (rng.normal(size=(n, 2, 2)) + 1j * rng.normal(size=(n, 2, 2)))
        operators[0] += rng.choice([0.0, 1.0]) * np.diag([1.0, rng.choice([1.0, 0.7])])
        most = np.linalg.eigvalsh(sum(k.conj().T @ k for k in operators)).max()
        operators *= np.sqrt(rng.choice([1.0, 1e-3]) / most)

        def seen(outcome, operators=operators):
            return sum(k.conj().T @ outcome @ k for k in operators)

        zero, one = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
        states = [np.outer(state(a), state(a)) for a in angles]
        chance = [[np.trace(rho @ seen(outcome)).real for outcome in (zero, one, TEST_BASIS[1])] for rho in states]
        errors, clicks = (chance[0][1] + chance[1][0]) / 2, sum(map(sum, (chance[0][:2], chance[1][:2]))) / 2
        sign = min((1, -1), key=lambda s, a=angles: virtual_errors(a, s, TEST_BASIS))
        truth = virtual_errors(angles, sign, [seen(outcome) for outcome in TEST_BASIS])
        bound = phase_error_chance(angles, chance[2][2], errors, clicks)
        assert truth <= bound * (1 + 1e-9)
        slack.append(truth / bound)
        least = least_test_chance(angles, clicks, errors)
        assert least <= sum(chance[2][:2]) * (1 + 1e-9) + 1e-15
        detected.append(least / sum(chance[2][:2]))
    assert max(slack) > 0.95  # some come near
    assert max(detected) > 0.95
    assert phase_error_chance((0, pi, pi / 2), 0.02, 0.005, 1.0) == pytest.approx((0.02**0.5 + 0.005**0.5) ** 2 + 0.005)
    assert phase_error_chance((0, pi, -pi / 2), 0.02, 0.005, 1.0) == 1.0  # a test state that should give -


def test_ideal_states_and_states_on_a_line():
    assert virtual_coefficients((0, pi, pi / 2)) == pytest.approx(np.array([[0, 0, 0.5], [0.5, 0.5, -0.5]]), abs=1e-12)
    with pytest.raises(ParameterError, match="three different states"):
        virtual_coefficients((0.0, pi, 0.0))


def test_qkd_agrees_on_virtual_states_and_on_phase_errors_of_flawed_ones():
    rng = np.random.default_rng(2)
    for _ in range(600):
        flaw, tilt, eta, p_key = (
            rng.uniform(0, 1.2),
            rng.uniform(-0.5, 0.5),
            rng.uniform(0.01, 1),
            rng.uniform(0.1, 0.9),
        )
        angles = tuple(qkd._core.flaw_angles(flaw)[:3])
        assert angles == pytest.approx((0, pi + flaw, (pi + flaw) / 2))
        first, at_first, second, at_second = qkd._core.flaw_virtual(flaw)
        traces = [(1, np.sin(at), np.cos(at)) for at in (at_first, at_second)]
        theirs = np.array([p * np.array(bloch) for p, bloch in zip((first, second), traces, strict=True)])
        bloch = np.array([[1, np.sin(a), np.cos(a)] for a in angles])
        ours = virtual_coefficients(angles) @ bloch
        assert ours == pytest.approx(theirs, abs=1e-9)
        # Without dark counts: with them qkd takes a sum of first order, which passes 1.
        p_states = (p_key / 2, p_key / 2, 1 - p_key)
        plus = (1 + np.sin(np.array(angles) - flaw / 2 - tilt)) / 2  # theirs is Bob's frame beside the flawed one
        clicks = eta * np.array(p_states)[:, None] * np.stack([plus, 1 - plus], axis=-1)
        rate = np.sum(phase_error_weights(angles, p_states) * clicks) / (p_key * eta)
        assert min(rate, 0.5) == pytest.approx(qkd._core.flaw_direct(flaw, eta, 0.0, tilt), abs=1e-9)
        # Mizutani et al. 2015, Eq. (36), in counts so large that its deviation is nothing.
        counts = 1e24 * clicks * (1 - p_key)
        given = [*counts[:, 0], *counts[:, 1]]
        errors = qkd._core.flaw_errors(flaw, p_key, given, 1e24, 1e-10)
        assert errors == pytest.approx(1e24 * p_key**2 * eta * rate, rel=1e-4, abs=1e17)


def random_yields(rng, most):
    """Chances by photon number, state and outcome, as an Eve would have them, of no photon alike for all states."""
    eta, dark, wrong = 10 ** rng.uniform(-4, -0.5), 10 ** rng.uniform(-8, -5), rng.uniform(0, 0.1)
    turned = (1 - 2 * wrong) * np.array([0.0, 0.0, 1.0])
    n = np.arange(most + 1)[:, None, None]
    yields = 1 - (1 - eta * np.stack([1 + turned, 1 - turned], axis=-1) / 2) ** n + dark
    yields[1:] *= np.exp(rng.normal(scale=0.1, size=yields[1:].shape))
    wrong_key = 1 - (1 - eta * wrong) ** n[:, 0, 0] + dark
    return yields, wrong_key, yields[0, 0].sum()


@pytest.mark.parametrize("intensities", [(0.5, 0.1, 0.0), (0.4, 0.1)])
def test_decoy_bounds_lie_beyond_the_worst_that_the_counts_allow(intensities):
    """A linear programme over all yields up to 8 photons, vacuum being the same for all states and bases."""
    rng = np.random.default_rng(3)
    most, n_k = 8, len(intensities)
    powers = np.array([[mu**n / factorial(n) for n in range(most + 1)] for mu in intensities])
    tighter = []
    for _ in range(250):
        p_key, p = rng.uniform(0.3, 0.9), rng.dirichlet(np.full(n_k, 5.0))
        angles = (0.0, pi, pi / 2) if rng.integers(2) else (0.0, pi + 0.2, pi / 2 + 0.1)
        p_states = np.array([p_key / 2, p_key / 2, 1 - p_key])
        yields, wrong_key, vacuum = random_yields(rng, most)
        poisson = p[:, None] * np.exp(-np.array(intensities))[:, None] * powers
        tests = 1e12 * (1 - p_key) * p_states[:, None, None] * np.einsum("kn,njs->jsk", poisson, yields)
        key_errors = 1e12 * p_key**2 * poisson @ np.append(vacuum / 2, wrong_key[1:])
        key_clicks = 1e12 * p_key**2 * poisson @ np.append(vacuum, yields[1:, :2].sum(axis=(1, 2)) / 2 + wrong_key[1:])
        counts = ThreeStateCounts(1e12, intensities, tuple(p), key_clicks, key_errors, tests)
        found = phase_errors(counts, Preparation(angles, tuple(p_states), (1 - p_key) / p_key), 1.0)

        weights = phase_error_weights(angles, tuple(p_states)) * p_states[:, None]
        unit = yields[1].max()
        # Variables: yields [n, j, s], then errors of the key basis [n], in units of the largest single-photon yield.
        n_test = 6 * (most + 1)
        rows, values = [], []
        for k in range(n_k):
            for j in range(3):
                for s in range(2):
                    row = np.zeros((most + 1, 3, 2))
                    row[:, j, s] = powers[k]
                    rows.append(np.append(row, np.zeros(most + 1)))
                    values.append(powers[k] @ yields[:, j, s] / unit)
            rows.append(np.append(np.zeros(n_test), powers[k]))
            values.append((powers[k] @ np.append(vacuum / 2, wrong_key[1:])) / unit)
        for j in (1, 2):
            for s in range(2):
                row = np.zeros((most + 1, 3, 2))
                row[0, 0, s], row[0, j, s] = 1, -1
                rows.append(np.append(row, np.zeros(most + 1)))
                values.append(0.0)
        row = np.zeros((most + 1, 3, 2))
        row[0, 0] = 1
        rows.append(np.append(row, np.append(-2.0, np.zeros(most))))
        values.append(0.0)

        def worst(of, rows=rows, values=values, unit=unit):
            cost = np.zeros((most + 1, 3, 2))
            cost[1] = of
            limit = (0, 1 / unit)
            answer = linprog(np.append(cost, np.zeros(most + 1)), A_eq=rows, b_eq=values, bounds=limit)
            assert answer.status == 0, answer.message
            return answer.fun

        single = 1e12 * (1 - p_key) * sum(p * np.exp(-np.array(intensities)) * np.array(intensities)) * unit
        most_errors, least = -worst(-weights) * single, worst(np.where([[1], [1], [0]], p_states[:, None], 0)) * single
        photons = 1e12 * p_key**2 * (single / (1e12 * (1 - p_key) * unit))
        true = photons * np.array([yields[1, 2, 1], wrong_key[1], yields[1, :2].sum() / 2 + wrong_key[1]])
        assert found.by_key_errors >= phase_error_chance(angles, *true) * (1 - 1e-9)
        truth = np.sum(weights * yields[1]) * single / unit
        assert truth <= most_errors * (1 + 1e-6)
        of_sum = found.by_sum * found.sample / found.single
        assert most_errors <= of_sum * (1 + 1e-6)
        assert found.sample <= least * (1 + 1e-6)
        if of_sum > 0:  # yields that no channel has may leave less than nothing
            tighter.append(most_errors / of_sum)
    assert np.median(tighter) > 0.5  # of the worst that the counts allow, and not only that of an honest channel


def most_probable_failure(fails, rounds=24, grid=20, chances=(0, 1, 4, 10, 20)):
    """Greatest probability that X and the sum P of chances end where `fails`, for an Eve who sees all so far.

    X: number of events, each of a chance that she chooses, in steps of 1/grid.
    """
    value = fails(np.arange(rounds + 1)[:, None], np.arange(rounds * grid + 1) / grid).astype(float)
    for _ in range(rounds):
        best = np.zeros_like(value)
        for chance in chances:
            ahead = np.zeros((rounds + 2, value.shape[1]))
            moved = value[:, chance:]
            ahead[: rounds + 1, : moved.shape[1]] = moved
            p = chance / grid
            best = np.maximum(best, (1 - p) * ahead[:-1] + p * ahead[1:])
        value = best
    return value[0, 0]


@pytest.mark.parametrize("expected", [1.0, 4.0])
def test_a_sum_of_chances_lies_within_its_bound_whoever_chooses_them(expected):
    epsilon = 0.05
    above, below = float(mean_above(expected, epsilon)), float(mean_below(expected, epsilon))
    up, down = np.log(above / expected), np.log(expected / below)
    # For the tilt chosen beforehand the bound is a straight line in the count, and as good as Chernoff's at `expected`.
    cost = np.log(1 / epsilon)
    assert (up * expected + cost) / -np.expm1(-up) == pytest.approx(above)
    assert (down * expected - cost) / np.expm1(down) == pytest.approx(below)
    assert 0.001 < most_probable_failure(lambda x, p: p > (up * x + cost) / -np.expm1(-up)) <= epsilon
    assert most_probable_failure(lambda x, p: p < (down * x - cost) / np.expm1(down)) <= epsilon


def counted(rng, n=1e12):
    p_key = 0.8
    eta, wrong, dark = 1e-2, 0.01, 1e-7
    intensities, p = (0.5, 0.05, 0.0), (0.5, 0.3, 0.2)
    light = np.array(p)
    gain = light * (1 - np.exp(-eta * np.array(intensities)) + 2 * dark)
    bad = light * (wrong * (1 - np.exp(-eta * np.array(intensities))) + dark)
    half = np.stack([gain / 2, gain / 2])
    tests = np.stack([half, half, np.stack([gain - bad, bad])])
    tests *= n * (1 - p_key) * np.array([p_key / 2, p_key / 2, 1 - p_key])[:, None, None]
    draw = rng.poisson if rng else (lambda mean: mean)
    key = n * p_key**2
    errors = draw(key * bad)
    return ThreeStateCounts(n, intensities, p, errors + draw(key * (gain - bad)), errors, draw(tests)), Preparation(
        (0.0, pi, pi / 2), (p_key / 2, p_key / 2, 1 - p_key), (1 - p_key) / p_key
    )


def test_more_data_and_more_doubt_move_the_bound_as_they_should():
    counts, prepared = counted(None)
    rates = [phase_errors(counts, prepared, epsilon).rate for epsilon in (1.0, 1e-5, 1e-10, 1e-20)]
    assert np.all(np.diff(rates) > 0)
    less, _ = counted(None, 1e10)
    assert phase_errors(less, prepared, 1e-10).rate > rates[2]
    assert events(3) == 29
    assert events(2) == 36


@pytest.mark.parametrize("epsilon", [1.0, 1e-10])
def test_a_test_state_that_never_clicks_proves_nothing(epsilon):
    counts, prepared = counted(None)
    tests = np.array(counts.test_clicks)
    tests[TEST_STATE] = 0.0
    for none in (tests, np.zeros_like(tests)):
        assert phase_errors(replace(counts, test_clicks=none), prepared, epsilon).rate > 0.4
    assert phase_errors(counts, prepared, epsilon).rate < 0.1


def test_measured_counts_serve_as_expected_ones():
    counts, prepared = counted(np.random.default_rng(5))
    mean, _ = counted(None)
    assert phase_errors(counts, prepared, 1e-10).rate == pytest.approx(
        phase_errors(mean, prepared, 1e-10).rate, rel=0.05
    )


def test_weights_of_plus_and_minus_stand_where_they_belong():
    weights = phase_error_weights((0.0, pi, pi / 2), (0.4, 0.4, 0.2))
    assert weights[2, MINUS] == pytest.approx(2.0)
    assert weights[2, PLUS] == pytest.approx(-2.0)
    assert weights[:2, PLUS] == pytest.approx([1.0, 1.0])
    assert not weights[:2, MINUS].any()
