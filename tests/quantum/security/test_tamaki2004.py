"""B92's phase errors against random channels, the published thresholds and PyPI qkd."""

import numpy as np
import pytest
import qkd
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.conclusive_counts import ConclusiveCounts
from haris.nouns.errors import ParameterError
from haris.papers.published import published_row
from haris.papers.tamaki2004 import depolarised, depolarising_threshold
from haris.quantum.security.tamaki2004 import phase_error

TURN = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2)


def attacked(overlap, kraus):
    """Clicks, conclusive clicks, bit errors and phase errors per pulse, after operators from a photon to one or none.

    Everything in the basis of |0> and |1> between which both states lie; Bob filters, and then both measure there (the
    phase) or in the basis half-way (the bit).
    """
    a, b = (1 - overlap) / 2, (1 + overlap) / 2
    sent = np.diag([np.sqrt(b), np.sqrt(a)])  # [Alice, photon]
    arrived = [sent @ k[:2].T for k in kraus]
    passed = [pair @ np.diag([np.sqrt(a), np.sqrt(b)]) for pair in arrived]
    bits = [TURN @ pair @ TURN for pair in passed]
    total = [sum(np.sum(np.abs(pair) ** 2) for pair in pairs) for pairs in (arrived, passed)]
    wrong = [sum(abs(pair[0, 1]) ** 2 + abs(pair[1, 0]) ** 2 for pair in pairs) for pairs in (bits, passed)]
    return *total, *wrong


def isometry(rng, operators, near):
    columns = rng.normal(size=(3 * operators, 2)) + 1j * rng.normal(size=(3 * operators, 2))
    columns *= near
    columns[:2] += np.eye(2)
    return np.linalg.qr(columns)[0].reshape(operators, 3, 2)


def test_no_channel_has_more_phase_errors():
    rng = np.random.default_rng(3)
    slack = []
    for _ in range(4000):
        overlap = rng.uniform(0.1, 0.95)
        *seen, phase = attacked(overlap, isometry(rng, rng.integers(1, 4), rng.choice([0.02, 0.1, 0.3, 1.0])))
        bound = phase_error(overlap, *seen)
        slack.append(bound - min(phase / seen[1], 0.5))
    assert min(slack) > -1e-7
    assert np.mean(np.array(slack) < 0.01) > 0.05  # some come near


@pytest.mark.parametrize(("overlap", "loss"), [(0.3, 0.1), (0.68, 0.3), (0.9, 0.5), (0.9, 0.9)])
def test_an_attack_without_bit_errors_reaches_the_bound(overlap, loss):
    # Eve loses |0> alone and makes up for it by swapping |0> and |1>, both coherently; only the phases err.
    a, b = (1 - overlap) / 2, (1 + overlap) / 2
    p10, p01 = a * b * loss / overlap, a * a * loss / overlap
    stays = np.array([[np.sqrt((b - loss - p01) / b), 0], [0, np.sqrt((a - p10) / a)], [0, 0]])
    swaps = np.array([[0, np.sqrt(p10 / a)], [np.sqrt(p01 / b), 0], [0, 0]])
    loses = np.array([[0, 0], [0, 0], [np.sqrt(loss / b), 0]])
    clicks, conclusive, errors, phase = attacked(overlap, [stays, swaps, loses])
    assert (clicks, conclusive) == pytest.approx((1 - loss, 2 * a * b * (1 - loss)))  # as loss alone would do
    assert errors == pytest.approx(0.0, abs=1e-12)
    assert phase_error(overlap, clicks, conclusive, errors) == pytest.approx(phase / conclusive, abs=1e-6)
    if loss == overlap:  # Eve knows all
        assert phase / conclusive == pytest.approx(0.5)


@settings(max_examples=500, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(0.0, 0.95), st.floats(0.0, 0.5))
def test_it_agrees_with_qkd_on_the_depolarising_channel(overlap, loss, p):
    clicks, conclusive, errors = depolarised(overlap, loss, p)
    assert (conclusive, errors / conclusive) == pytest.approx(qkd._core.b92_channel(overlap, loss, p), abs=1e-12)
    theirs = qkd._core.b92_phase(overlap, loss, conclusive, errors / conclusive)
    assert phase_error(overlap, clicks, conclusive, errors) == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize(("loss", "printed"), [(0.0, 0.034), (0.2, 0.023), (0.5, 0.012)])
def test_thresholds_are_those_of_the_figure(loss, printed):
    assert round(depolarising_threshold(loss), 3) == printed
    assert depolarising_threshold(loss) == pytest.approx(qkd._core.b92_limit(loss, 1.0)[0], rel=1e-3)


def test_the_golden_row():
    row = published_row("b92_depolarising_threshold_L0")
    assert depolarising_threshold(0.0) == pytest.approx(row.number("expected"), rel=row.number("tol_rel"))


@given(*[st.floats(0.0, 1.0)] * 3, st.floats(0.01, 0.99))
def test_whatever_is_counted_has_a_phase_error_that_grows_with_errors(x, y, z, overlap):
    errors, conclusive, clicks = sorted((x, y, z))
    found = phase_error(overlap, clicks, conclusive, errors * np.array([0.5, 0.75, 1.0]))
    assert np.all((found >= 0.0) & (found <= 0.5))
    if found[0] < 0.5:  # some state has these rates
        assert np.all(np.diff(found) >= -1e-9)


def test_rates_that_no_state_has_give_no_key():
    assert phase_error(0.5, 0.0, 0.0, 0.0) == 0.5
    assert phase_error(0.5, 1.0, 0.9, 0.0) == 0.5  # more conclusive clicks than any photon gives
    assert phase_error(0.5, 1.0, 0.3, 0.0) == 0.5  # fewer than come of such few errors


@pytest.mark.parametrize("counts", [(1.0, 0.5, 0.6), (0.4, 0.5, 0.1), (1.5, 0.5, 0.1), (1.0, 0.5, -0.1)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(ParameterError, match=r"errors must lie among|more clicks than pulses"):
        ConclusiveCounts(1.0, *(np.array([x]) for x in counts))
    with pytest.raises(ParameterError, match="one shape"):
        ConclusiveCounts(1.0, np.zeros(2), np.zeros(1), np.zeros(1))
