"""Closed forms against sums over Fock states, and against PyPI qkd."""

import numpy as np
import pytest
import qkd
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.quantum.emulate.coincidences import arm_transmittances, expected_coincidences, pair_rates
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bbm92 import BBM92


def signed_click(zeros, ones, eta, p_dark):
    """Of an end with photons on its two detectors: probability of a click, and mean sign with a fair double click."""
    dark0, dark1 = (1 - p_dark) * (1 - eta) ** zeros, (1 - p_dark) * (1 - eta) ** ones
    return 1 - dark0 * dark1, dark1 - dark0


def fock_sum(mean_pairs, eta, p_dark, most=60):
    """Gain and correlation over n pairs, of which m in the second mode: the state of Ma, Fung, Lo, Eq. (2)."""
    lam = mean_pairs / 2
    n, m = (axis.ravel() for axis in np.indices((most + 1, most + 1)))
    n, m = n[m <= n], m[m <= n]
    p = lam**n / (1 + lam) ** (n + 2.0)  # (n + 1) lam^n / (1 + lam)^(n + 2), evenly over m = 0 to n
    click_a, sign_a = signed_click(n - m, m, eta[0], p_dark[0])
    click_b, sign_b = signed_click(n - m, m, eta[1], p_dark[1])
    return p @ (click_a * click_b), p @ (sign_a * sign_b)


def poisson_sum(mean_pairs, eta, p_dark, most=40):
    """The same for pairs that come independently."""
    k = np.arange(most + 1.0)
    p = np.exp(-mean_pairs / 2) * np.cumprod(np.append(1.0, mean_pairs / 2 / k[1:]))
    click_a, sign_a = signed_click(k[:, None], k, eta[0], p_dark[0])
    click_b, sign_b = signed_click(k[:, None], k, eta[1], p_dark[1])
    return p @ (click_a * click_b) @ p, p @ (sign_a * sign_b) @ p


@pytest.mark.parametrize(("modes", "brute_force"), [(1.0, fock_sum), (np.inf, poisson_sum)])
@pytest.mark.parametrize("mean_pairs", [0.0, 0.01, 0.3, 1.0])
@pytest.mark.parametrize("eta", [(1.0, 1.0), (0.9, 0.05), (0.3, 0.3), (0.0, 0.5)])
@pytest.mark.parametrize("p_dark", [(0.0, 0.0), (1e-3, 0.05), (1.0, 0.2)])
def test_rates_are_those_of_the_fock_sum(modes, brute_force, mean_pairs, eta, p_dark):
    gain, correlation = pair_rates(PairSource(1e9, mean_pairs, modes=modes), eta, p_dark)
    wanted = brute_force(mean_pairs, eta, p_dark)
    np.testing.assert_allclose((gain, correlation), wanted, rtol=1e-12, atol=1e-15)


def test_rates_at_random_are_those_of_the_fock_sum():
    rng = np.random.default_rng(1)
    for k in range(500):
        modes, brute_force = ((1.0, fock_sum), (np.inf, poisson_sum))[k % 2]
        mean_pairs, eta, p_dark = rng.uniform(0.0, 1.0), rng.uniform(0.0, 1.0, 2), 10 ** rng.uniform(-6.0, -0.5, 2)
        found = pair_rates(PairSource(1e9, mean_pairs, modes=modes), tuple(eta), tuple(p_dark))
        np.testing.assert_allclose(found, brute_force(mean_pairs, eta, p_dark), rtol=1e-11, atol=1e-15)


def test_modes_lead_from_thermal_to_poissonian():
    gains = [pair_rates(PairSource(1e9, 0.5, modes=k), (0.4, 0.4), (0.0, 0.0)) for k in (1.0, 2.0, 10.0, 1e7, np.inf)]
    qbers = [0.5 * (1 - c / q) for q, c in gains]
    assert qbers == sorted(qbers)  # of the pairs beside one, those of its own squeezer agree with it
    assert qbers[-2] == pytest.approx(qbers[-1], rel=1e-6)


@settings(deadline=None, max_examples=500)
@given(
    st.floats(1e-3, 0.3), st.floats(0.03, 1.0), st.floats(0.03, 1.0), st.floats(0.0, 1e-7), st.floats(0.0, 1e-7),
    st.floats(0.0, 0.1),
)  # fmt: skip
def test_closed_forms_agree_with_qkd(brightness, eta_a, eta_b, dark_a, dark_b, e_d):
    # qkd 0.2.0, Eqs. (9) and (10) as printed; they leave out dark counts beside true clicks, so few are asked for.
    gain, correlation = pair_rates(PairSource(1e9, 2 * brightness), (eta_a, eta_b), (dark_a, dark_b))
    background = [1 - (1 - d) ** 2 for d in (dark_a, dark_b)]
    assert gain == pytest.approx(qkd.pairs.gain(brightness, eta_a, eta_b, *background), rel=1e-7)
    theirs = qkd.pairs.qber(brightness, eta_a, eta_b, *background, e_d=e_d)
    assert (gain - (1 - 2 * e_d) * correlation) / (2 * gain) == pytest.approx(theirs, rel=1e-9, abs=1.1e-7)


def test_no_digits_are_lost_at_great_loss():
    gain, correlation = pair_rates(PairSource(1e9, 0.1), (1e-12, 1e-12), (0.0, 0.0))
    lam = 0.05
    # To first order in either efficiency: pairs E[n_A n_B] of two squeezers, of which the crossed ones are 2 lam^2.
    assert gain == pytest.approx(1e-24 * (2 * lam * (1 + 2 * lam) + 2 * lam**2), rel=1e-9)
    assert correlation == pytest.approx(1e-24 * 2 * lam * (1 + lam), rel=1e-9)


def test_expected_counts_split_by_basis_and_err_by_visibility():
    source = PairSource(1e9, 1e-6, visibility=0.98, test_visibility=0.9, position=0.25)
    fibre = Fibre(50e3, 0.2, fixed_loss_db=2.0, misalignment=0.01)
    receivers = PairReceivers(0.8, 0.4, 0.0, 0.0)
    counts = expected_coincidences(source, fibre, receivers, BBM92(0.9, 10**9), 1e9, [50e3, 100e3])
    assert counts.coincidences.shape == counts.errors.shape == (2, 2)
    np.testing.assert_allclose(counts.coincidences[:, 1] / counts.coincidences[:, 0], (0.1 / 0.9) ** 2)
    np.testing.assert_allclose(counts.qber, [[0.01 + 0.01 - 2e-4, 0.05 + 0.01 - 1e-3]] * 2, rtol=1e-4)
    assert counts.coincidences[0, 0] == pytest.approx(1e9 * 0.81 * 1e-6 * 0.8 * 0.4 * 10**-1.2, rel=1e-4)
    alice, bob = arm_transmittances(source, fibre)
    assert alice * bob == pytest.approx(fibre.transmittance())
    assert alice == pytest.approx(10**-0.3)
