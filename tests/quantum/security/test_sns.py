"""Decoy bounds of sending-or-not-sending, bracketed by linear programmes over photon numbers."""

from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from haris.nouns.errors import ParameterError
from haris.nouns.sns_counts import SnsCounts
from haris.quantum.security.key_length import Security
from haris.quantum.security.sns import single_yield, untagged
from haris.quantum.security.sns_aopp import key_length, paired, paired_asymptotic

N = 12
"""Photon numbers in the programmes; what lies beyond is one more variable, between nothing and all of it."""


def poisson(mu):
    return np.array([exp(-mu) * mu**n / factorial(n) for n in range(N)])


def extreme(objective, rows, values):
    """Least and greatest objective over yields in [0, 1] of 0 to N - 1 photons and of the rest, that meet all rates."""
    lines = [np.append(row, 1.0 - row.sum()) for row in rows]
    answers = [
        linprog(sign * np.append(objective, 0.0), A_eq=lines, b_eq=values, bounds=(0.0, 1.0)) for sign in (1, -1)
    ]
    assert all(answer.success for answer in answers)
    return answers[0].fun, -answers[1].fun


@given(st.floats(0.05, 0.2), st.floats(0.25, 0.8), st.floats(0.01, 0.9), st.floats(0, 1e-3), st.randoms())
@settings(max_examples=500, deadline=None)
def test_single_photon_yield_is_bracketed_by_a_linear_programme(weak, strong, eta, vacuum, random):
    yields = np.array([min(vacuum + 1 - (1 - eta * random.uniform(0.3, 1)) ** n, 1.0) for n in range(N + 1)])
    weights = [np.append(poisson(mu), 1 - poisson(mu).sum()) for mu in (0.0, weak, strong)]
    rates = np.array([row @ yields for row in weights])
    least, _ = extreme(np.eye(N)[1], [row[:-1] for row in weights], rates)
    found = float(single_yield(rates[0], rates[1], rates[2], weak, strong))
    assert found <= least + 1e-7  # never above the least that the rates allow
    assert found >= least - 1e-3 - 0.1 * least or yields[1] < 0.2 * eta  # and hardly below it
    assert least <= yields[1] + 1e-7


def counts_of(n_pulses, slice_error=0.04, eta=1e-2, vacuum=1e-8):
    """Counts of a lossy channel without multi-photon interference: enough to try the estimates."""
    mu_z, mu_y, mu_x = 0.45, 0.3, 0.1
    rates = [vacuum, *(vacuum + 1 - exp(-eta * mu) for mu in (mu_x, mu_x, mu_y, mu_y))]
    p_decoys, p_slice, p_one = (0.01, 0.02, 0.02, 0.005, 0.005), 0.01, 0.1
    clicks = n_pulses * p_slice * (vacuum + 1 - exp(-2 * eta * mu_x))
    signal = (
        n_pulses * np.array([0.3, 0.1, 0.1, 0.03]) * [vacuum, *[1 - exp(-eta * mu_z)] * 2, 1 - exp(-2 * eta * mu_z)]
    )
    return SnsCounts(
        n_pulses,
        (mu_z, mu_y, mu_x),
        p_decoys,
        p_slice,
        p_one,
        n_pulses * np.multiply(p_decoys, rates),
        signal,
        np.asarray(clicks),
        np.asarray(slice_error * clicks),
    )


def test_phase_errors_are_the_most_that_a_linear_programme_finds():
    # Errors of the slices by total photon number: a vacuum window errs half the time, a single photon e_1 of the time.
    counts = counts_of(1e12)
    found = untagged(counts, 1.0)
    p = poisson(0.2)
    errors = counts.slice_errors / (1e12 * counts.p_slice)
    vacuum = counts.decoys[0] / (1e12 * counts.p_decoys[0])
    _, worst = extreme(np.eye(N)[1], [p, np.eye(N)[0]], [errors, vacuum / 2])
    single = 2 * 1e12 * counts.p_one * 0.45 * exp(-0.45)
    assert found.phase_errors == pytest.approx(single * worst, rel=1e-6)


def test_untagged_bits_and_their_errors_come_near_the_truth():
    found = untagged(counts_of(1e13), 1.0)
    true = 1e13 * 0.1 * 0.45 * exp(-0.45) * (1e-8 + 1e-2)
    assert 0.98 * true < found.zeros == found.ones < true
    rate = found.phase_errors / (found.zeros + found.ones)
    assert 0.04 < rate < 0.05  # multi-photon errors are put on single photons


def test_deviations_fall_with_the_block_and_with_epsilon():
    at = [untagged(counts_of(1e10), e) for e in (1.0, 1e-5, 1e-20)] + [untagged(counts_of(1e12), 1e-20)]
    zeros, errors = ([float(getattr(each, name)) for each in at] for name in ("zeros", "phase_errors"))
    assert zeros[0] > zeros[1] > zeros[2]
    assert errors[0] < errors[1] < errors[2]
    assert zeros[3] / 100 > zeros[2]
    assert errors[3] / 100 < errors[2]


def test_the_finite_key_tends_to_the_asymptotic_one():
    security = Security("aopp", f_ec=1.1)
    share = [float(paired(counts_of(n), security).length_bits / n) for n in (1e8, 1e10, 1e12, 1e14, 1e17)]
    limit = float(paired_asymptotic(counts_of(1e17), security).length_bits / 1e17)
    assert share == sorted(share)
    assert share[0] == 0.0
    assert 0.99 * limit < share[-1] <= limit


def test_empty_counts_give_no_key_and_wrong_ones_are_refused():
    empty = counts_of(0.0)
    for bound in ("aopp", "aopp-asymptotic", "sns-asymptotic"):
        assert key_length(empty, Security(bound)).length_bits == 0
    with pytest.raises(ParameterError, match="bound must be one of aopp"):
        key_length(empty, Security("lim2014"))
    values = {name: getattr(empty, name) for name in SnsCounts.__slots__}
    with pytest.raises(ParameterError, match="must be"):
        SnsCounts(**{**values, "decoys": np.zeros(4)})
    with pytest.raises(ParameterError, match="slice_errors must lie between"):
        SnsCounts(**{**values, "slice_errors": np.asarray(1.0)})
