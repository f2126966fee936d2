"""Differential phase shift: phase errors of explicit attacks, and PyPI qkd."""

from itertools import product

import numpy as np
import pytest
import qkd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from haris.nouns.packet_counts import PacketCounts
from haris.quantum.security import mizutani2023
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import Security
from haris.quantum.security.mizutani2023 import PHASES_PER_BIT, endless_phase_error, odd_tails, photon_tails

engine = qkd._core

SETS = list(product((0, 1), repeat=3))
"""Which of three pulses are odd in photon number: Alice's eight orthogonal states."""


def at_pulses(j, k):
    """Bob's photon at pulse j taken to pulse k, of three; a fourth place is no photon."""
    matrix = np.zeros((4, 4))
    matrix[j, k] = 1.0
    return matrix


def observables():
    """Kept packets, bit errors and phase errors, on Alice's sets of odd pulses and Bob's photon, (32, 32).

    Through the interferometer the photon's amplitudes at pulses j and j + 1 leave by either port as halves of their sum
    and difference. Alice's phases shift the photon's by pi; they turn the parity of both pulses' photon numbers.
    """
    kept, bits, phases = np.zeros((3, 32, 32))
    for j in (0, 1):
        turned = np.zeros((8, 8))
        for row, odd in enumerate(SETS):
            other = list(odd)
            other[j], other[j + 1] = 1 - odd[j], 1 - odd[j + 1]
            turned[row, SETS.index(tuple(other))] = 1.0
        diagonal = at_pulses(j, j) + at_pulses(j + 1, j + 1)
        crossed = at_pulses(j, j + 1) + at_pulses(j + 1, j)
        kept += np.kron(np.eye(8), diagonal) / 2.0
        bits += (np.kron(np.eye(8), diagonal) - np.kron(turned, crossed)) / 4.0
        for here, there in ((j, j + 1), (j + 1, j)):
            phases += np.kron(np.diag([float(odd[there]) for odd in SETS]), at_pulses(here, here)) / 2.0
    return kept, bits, phases


KEPT, BITS, PHASES = observables()


def attacked(intensity, kraus):
    """Kept packets, bit errors and phase errors a packet, after operators from Alice's eight to Bob's four."""
    odd = (1.0 - np.exp(-2.0 * intensity)) / 2.0
    weight = np.array([np.prod([odd if x else 1.0 - odd for x in each]) for each in SETS])
    vectors = [(np.sqrt(weight)[:, None] * k.T).ravel() for k in kraus]
    return [sum(float((v.conj() @ what @ v).real) for v in vectors) for what in (KEPT, BITS, PHASES)]


def isometry(rng, operators, near):
    """From eight states to no photon or one, near to what loss does."""
    columns = near * (rng.normal(size=(4 * operators, 8)) + 1j * rng.normal(size=(4 * operators, 8)))
    columns[[3 + 4 * (row % operators) for row in range(8)], range(8)] += 1.0
    for row, each in enumerate(SETS):
        if sum(each) == 1:
            columns[each.index(1), row] += rng.uniform(0.0, 1.0)
    return np.linalg.qr(columns)[0].reshape(operators, 4, 8)


def test_where_one_pulse_is_odd_phases_err_at_most_lambda_times_as_often():
    alone = [4 * row + place for row, each in enumerate(SETS) if sum(each) == 1 for place in range(3)]
    gap = (PHASES_PER_BIT * BITS - PHASES)[np.ix_(alone, alone)]
    assert np.linalg.eigvalsh(gap)[0] == pytest.approx(0.0, abs=1e-12)
    tighter = (0.999 * PHASES_PER_BIT * BITS - PHASES)[np.ix_(alone, alone)]
    assert np.linalg.eigvalsh(tighter)[0] < -1e-6  # no smaller number does


def test_no_attack_has_more_phase_errors():
    rng = np.random.default_rng(3)
    slack = []
    for _ in range(1500):
        intensity = 10 ** rng.uniform(-3, 0)
        kept, bits, phases = attacked(intensity, isometry(rng, rng.integers(2, 6), 10 ** rng.uniform(-2.5, 0.3)))
        for tails, tightened in ((odd_tails(intensity), True), (photon_tails(intensity), False)):
            bound = endless_phase_error(bits / kept, kept, tails, tightened)
            slack.append(float(bound) - min(phases / kept, 0.5))
    assert min(slack) > -1e-9


def test_an_attack_of_one_odd_pulse_reaches_the_ratio():
    # The worst state of Alice's one odd pulse and Bob's photon, which Eve can make of what she gets.
    alone = [4 * row + place for row, each in enumerate(SETS) if sum(each) == 1 for place in range(3)]
    gap = (PHASES_PER_BIT * BITS - PHASES)[np.ix_(alone, alone)]
    worst = np.linalg.eigh(gap)[1][:, 0].reshape(3, 3)
    kraus = np.zeros((4, 8))
    rows = [row for row, each in enumerate(SETS) if sum(each) == 1]
    kraus[:3, rows] = worst.T
    intensity = 1e-4
    kept, bits, phases = attacked(intensity, [kraus])
    assert phases == pytest.approx(PHASES_PER_BIT * bits)
    bound = endless_phase_error(bits / kept, kept, odd_tails(intensity), True)
    assert min(phases / kept, 0.5) <= bound <= min(phases / kept, 0.5) + 0.01


@given(st.floats(1e-9, 20.0))
def test_tails_are_those_of_photons_and_parities(intensity):
    assert photon_tails(intensity) == pytest.approx(engine.dps_source(intensity), rel=1e-9)
    odd = np.exp(-intensity) * np.sinh(intensity)
    expected = [1 - (1 - odd) ** 3, 3 * odd**2 * (1 - odd) + odd**3, odd**3]
    assert odd_tails(intensity) == pytest.approx(expected, rel=1e-6, abs=1e-300)
    assert np.all(odd_tails(intensity) <= photon_tails(intensity) * (1 + 1e-9))


sizes = st.tuples(
    st.floats(9, 15), st.floats(-6, -0.5), st.floats(-4, 0), st.floats(0.05, 0.95), st.floats(0, 0.2),
    st.floats(-30, -2), st.floats(-30, -2),
)  # fmt: skip


def counted(size):
    packets, intensity, eta, p_key = 10 ** size[0], 10 ** size[1], 10 ** size[2], size[3]
    kept = packets * 2 * eta * intensity * np.exp(-2 * eta * intensity)
    key = PacketCounts(packets, np.array(kept * p_key), np.array(kept * p_key * size[4]))
    test = PacketCounts(packets, np.array(kept * (1 - p_key)), np.array(kept * (1 - p_key) * size[4]))
    return key, test, intensity, p_key, 10 ** size[5], 10 ** size[6]


@given(sizes)
@settings(deadline=None, max_examples=500)
def test_phase_errors_agree_with_qkd_and_tightening_never_loosens(size):
    key, test, intensity, p_key, e1, e2 = counted(size)
    tails = photon_tails(intensity)
    args = (key.packets, key.kept, test.kept, size[4], *tails, p_key, e1, e2)
    try:
        theirs = engine.dps_phase(*map(float, args), True)
    except ValueError:
        assume(False)  # three photons in more than half of what is kept
    ours = mizutani2023.phase_errors(key, test, p_key, tails, (e1, e2), False)
    if theirs <= key.kept:
        assert ours == pytest.approx(theirs, rel=1e-6)
    tight = mizutani2023.phase_errors(key, test, p_key, odd_tails(intensity), (e1, e2), True)
    assert tight <= ours * (1 + 1e-9)


@given(sizes, st.floats(1e-15, 1e-3))
@settings(deadline=None, max_examples=500)
def test_length_agrees_with_qkd_to_the_bit(size, epsilon):
    key, test, intensity, p_key, _, _ = counted(size)
    security = Security("mizutani2023", epsilon, 1e-12, 1.16)
    leaked = security.f_ec * key.kept * binary_entropy(size[4])
    ours = mizutani2023.finite(key, test, p_key, intensity, security, leaked, False)
    each, zeta = epsilon**2 / 24, float(ours.value("secrecy"))
    args = (key.packets, key.kept, test.kept, size[4], *photon_tails(intensity), p_key, each, each, zeta)
    try:
        theirs = engine.dps_finite(*map(float, args), -np.log2(1e-12), 1.16, True, "pnr")
    except ValueError:
        theirs = 0.0
    assert int(ours.length_bits) == pytest.approx(theirs, abs=2, rel=1e-7)
    composed = 1e-12 + np.sqrt(2.0 * (6.0 * each + 2.0**-zeta))
    assert composed == pytest.approx(security.epsilon)


def test_finite_tends_to_the_limit():
    intensity, eta, p_key, qber = 1e-3, 0.05, 0.99, 0.01
    for tightened in (False, True):
        tails = odd_tails(intensity) if tightened else photon_tails(intensity)
        kept = 2 * eta * intensity
        limit = endless_phase_error(qber, kept, tails, tightened)
        found = []
        for packets in (1e12, 1e15, 1e21):
            parts = [
                PacketCounts(packets, np.array(p * kept * packets), np.array(p * kept * qber * packets))
                for p in (p_key, 1 - p_key)
            ]
            wrong = mizutani2023.phase_errors(*parts, p_key, tails, (1e-20, 1e-20), tightened)
            found.append(float(wrong / parts[0].kept))
        assert found == sorted(found, reverse=True)
        assert found[-1] == pytest.approx(float(limit), rel=1e-3)
        assert min(found) > float(limit)
