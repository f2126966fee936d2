"""Key at a relay of quadratures against covariance matrices, the published zero of the rate, and PyPI qkd."""

import numpy as np
import pytest
import qkd
from gaussian_matrices import entropy, joined, measured, mixed, squeezed_pair
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.papers.published import published_row
from haris.quantum.emulate.expected_relay import expected_relay_channel
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.quadrature_relay import QuadratureRelay
from haris.quantum.security.pirandola2015 import RelayChannel, relay_information

engine = qkd._core


def channel(modulation, alice, bob, noise):
    return RelayChannel(modulation, *(np.array(x) for x in (alice, bob, noise)))


def rate_of(modulation, alice, bob, noise):
    informed, eve = relay_information(channel(modulation, alice, bob, noise))
    return float(informed - eve)


def by_matrices(modulation, alice, bob, environment):
    """The same with every mode: Alice's pair, Bob's pair, and the environment's two modes, purified by nobody's help.

    environment: covariance of the two modes that the arms' beam splitters mix in, (4, 4) in the order x p x p. Eve's
    information is had from what the honest ends keep, the whole being pure.
    """
    state = joined(squeezed_pair(modulation + 1.0), squeezed_pair(modulation + 1.0), environment)
    state = mixed(state, 1, 4, alice)  # modes: 0 Alice's, 1 sent, 2 Bob's, 3 sent, 4 and 5 of the environment
    state = mixed(state, 3, 5, bob)
    state = mixed(state, 3, 1, 0.5)  # mode 3: the sum over sqrt(2), mode 1: Alice's less Bob's
    state = state[np.ix_(range(8), range(8))]
    kept = measured(state, [2, 7])  # x of the difference, p of the sum
    both = kept[np.ix_(range(2), range(2))] + np.eye(2)
    left = kept[2:, 2:] - kept[2:, :2] @ np.linalg.inv(both) @ kept[:2, 2:]
    eye = np.eye(2)
    informed = 0.5 * np.log2(np.linalg.det(kept[2:, 2:] + eye) / np.linalg.det(left + eye))
    return informed, entropy(kept) - entropy(left)


def pair(variances, x, p):
    """Covariance of two modes with correlations x and p."""
    one, other = variances
    return np.block([[one * np.eye(2), np.diag([x, p])], [np.diag([x, p]), other * np.eye(2)]])


arms = st.floats(0.02, 0.99)


@given(st.floats(0.1, 100), arms, arms, st.floats(1, 2), st.floats(1, 2))
@settings(deadline=None, max_examples=500)
def test_information_is_that_of_covariance_matrices(modulation, alice, bob, one, other):
    noise = ((1 - alice) * (one - 1) + (1 - bob) * (other - 1)) / 2
    ours = relay_information(channel(modulation, alice, bob, noise))
    assert ours == pytest.approx(by_matrices(modulation, alice, bob, pair((one, other), 0, 0)), abs=1e-6)


@given(st.floats(0.5, 50), arms, arms, st.floats(1.001, 1.5), st.floats(1.001, 1.5), st.floats(-1, 1), st.floats(-1, 1))
@settings(deadline=None)
def test_no_correlation_of_the_arms_noise_is_worse_than_the_one_that_is_assumed(m, alice, bob, one, other, x, p):
    most = np.sqrt(min((one - 1) * (other + 1), (one + 1) * (other - 1)))
    x, p = x * np.sqrt(one * other), p * np.sqrt(one * other)
    environment = pair((one, other), x, p)
    form = np.kron(np.eye(2), [[0, 1], [-1, 0]])
    if np.linalg.eigvalsh(environment + 1j * form)[0] < 0:
        return  # no state
    noise = ((1 - alice) * (one - 1) + (1 - bob) * (other - 1)) / 2 + most * np.sqrt((1 - alice) * (1 - bob))
    informed, eve = by_matrices(m, alice, bob, environment)
    assert informed - eve >= rate_of(m, alice, bob, noise) - 1e-6


def test_the_worst_correlation_is_that_of_an_attack():
    one, other, alice, bob, modulation = 1.3, 1.1, 0.9, 0.6, 20.0
    most = np.sqrt(min((one - 1) * (other + 1), (one + 1) * (other - 1)))
    worst = pair((one, other), most, -most)  # of such signs that both outcomes get more noise
    form = np.kron(np.eye(2), [[0, 1], [-1, 0]])
    assert np.linalg.eigvalsh(worst + 1j * form)[0] == pytest.approx(0, abs=1e-9)  # no state has more
    rates = [
        np.subtract(*by_matrices(modulation, alice, bob, pair((one, other), s * most, -s * most))) for s in (1, -1)
    ]
    excess = (one - 1) * (1 - alice) / alice
    fibre = NoisyFibre(0.0, 0.0, excess_noise_snu=excess)
    noise = ((1 - alice) * (one - 1) + (1 - bob) * (other - 1)) / 2 + most * np.sqrt((1 - alice) * (1 - bob))
    assert min(rates) == pytest.approx(rate_of(modulation, alice, bob, noise), abs=1e-6)
    assert max(rates) > min(rates) + 0.1
    # The same of a link, whose arms are equal.
    found = expected_relay_channel(ModulatedLaser(1e6, modulation), fibre, QuadratureRelay(alice, share=0.5))
    g = (1 - alice) * np.sqrt((one - 1) * (one + 1))
    assert found.noise_snu == pytest.approx((one - 1) * (1 - alice) + g)


@given(st.floats(0.1, 1000), arms, arms, st.floats(0, 0.5), st.floats(0.5, 1))
@settings(deadline=None, max_examples=500)
def test_finite_modulation_agrees_with_qkd(modulation, alice, bob, noise, beta):
    informed, eve = relay_information(channel(modulation, alice, bob, noise))
    theirs = engine.cvmdi_gauss(modulation, alice, bob, noise, noise, beta)
    assert (informed, eve, beta * informed - eve) == pytest.approx(theirs, rel=1e-7, abs=1e-7)


@given(arms, arms, st.floats(0, 0.3))
@settings(deadline=None, max_examples=500)
def test_endless_modulation_agrees_with_qkd(alice, bob, noise):
    if abs(alice - bob) < 0.01:
        return  # a pole of theirs
    chi = 2 * (alice + bob) / (alice * bob) * (1 + noise)
    assert rate_of(1e9, alice, bob, noise) == pytest.approx(engine.cvmdi_rate(alice, bob, chi), abs=1e-5)


def test_key_ends_where_the_paper_says_if_the_relay_is_at_the_decoder():
    row = published_row("cvmdi_decoder_side_zero_crossing_tau")
    end = row.number("expected")
    assert rate_of(1e9, end * 1.001, 1.0, 0.0) > 0 > rate_of(1e9, end * 0.999, 1.0, 0.0)
    assert -10 * np.log10(end) / 0.2 == pytest.approx(6.8, abs=0.05)  # kilometres, as printed


def test_a_relay_at_the_encoder_reaches_far_and_one_midway_does_not():
    assert rate_of(1e6, 1.0, 0.01, 0.0) > 0
    assert rate_of(1e6, 0.8, 0.8, 0.0) < 0  # 3.8 km on each side is the end


@given(st.floats(1e-6, 1e6), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1e6))
def test_information_is_finite_and_positive_for_any_channel(modulation, alice, bob, noise):
    informed, eve = relay_information(channel(modulation, alice, bob, noise))
    assert np.isfinite(informed)
    assert np.isfinite(eve)
    assert informed >= 0
    assert eve >= -1e-9
