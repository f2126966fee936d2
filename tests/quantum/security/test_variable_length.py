"""The bound of live keys: what must hold for any counts, and a linear programme and a peer as witnesses."""

from dataclasses import replace
from math import exp, factorial

import numpy as np
import pytest
import qkd._core as peer
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from haris.nouns.counts import DecoyCounts
from haris.nouns.errors import ParameterError
from haris.papers import lim2014 as lim_paper
from haris.papers import rusca2018 as rusca_paper
from haris.quantum.security.bounds import key_length
from haris.quantum.security.key_length import Security
from haris.quantum.security.lim2014 import two_decoys
from haris.quantum.security.ma2005 import asymptotic
from haris.quantum.security.rusca2018 import binomial_vacuum, one_decoy, printed_vacuum
from haris.quantum.security.variable_length import secret_key_length

SOURCES = {2: ((0.5, 0.15), (0.6, 0.4)), 3: ((0.5, 0.15, 0.001), (0.5, 0.3, 0.2))}
PHOTONS = 14


@st.composite
def measured(draw):
    """Counts of any kind, honest or not, from nothing to 1e9."""
    k = draw(st.sampled_from([2, 3]))
    size = draw(st.sampled_from([0, 3, 100, 10**4, 10**6, 10**9]))
    clicks = np.array([[draw(st.integers(0, size)) for _ in range(k)] for _ in range(2)], dtype=np.int64)
    errors = np.array([[draw(st.integers(0, int(n))) for n in row] for row in clicks], dtype=np.int64)
    return DecoyCounts(10**12, *SOURCES[k], clicks, errors)


def fibre_counts(k, n_key=1e7, loss_db=20.0):
    """Expected counts of a usual link, by the papers' own models."""
    if k == 3:
        settings = lim_paper.LimSettings((0.5, 0.15, 2e-4), (0.5, 0.3, 0.2), 0.8, n_key)
        return lim_paper.expected_counts(lim_paper.LimSystem(), settings, loss_db / 0.2 * 1e3)
    settings = rusca_paper.RuscaSettings(0.5, 0.15, 0.5, 0.9, n_key)
    return rusca_paper.expected_counts(rusca_paper.RuscaSystem(), settings, loss_db)[0]


@given(measured())
def test_any_counts_give_a_length(counts):
    key = secret_key_length(counts, Security(), 0)
    assert 0 <= key.length_bits <= counts.clicks[0].sum()
    assert all(np.all(np.isfinite(t.value)) for t in key.terms)
    assert key.length_bits <= np.floor(asymptotic(counts, Security(), 0).length_bits)


@pytest.mark.parametrize("k", [2, 3])
def test_no_clicks_no_key(k):
    nothing = np.zeros((4, 2, k))
    counts = DecoyCounts(0, *SOURCES[k], nothing, nothing)
    for bound in ("variable-length", "asymptotic", "lim2014" if k == 3 else "rusca2018"):
        assert key_length(counts, Security(bound)).length_bits.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("n_key", [1e5, 1e6, 1e7, 1e9])
def test_finite_below_asymptotic(k, n_key):
    counts, leaked = fibre_counts(k, n_key), 0.1 * n_key
    endless = asymptotic(counts, Security(), leaked).length_bits
    printed = key_length(counts, Security("lim2014" if k == 3 else "rusca2018"), leaked).length_bits
    assert max(printed, secret_key_length(counts, Security(), leaked).length_bits) <= endless


@pytest.mark.parametrize("n_key", [3e8, 1e9, 1e11])
def test_live_below_printed(n_key):
    # Comparable where the printed estimate of the test errors stays below all the errors there are, which the live
    # bound does not let it pass; and for two decoys, for the printed one-decoy bound on empty pulses is looser.
    counts = fibre_counts(3, n_key)
    printed = key_length(counts, Security("lim2014"), 0)
    live = secret_key_length(counts, Security(), 0)
    assert printed.value("sample_errors") < counts.errors[1].sum()
    assert live.length_bits < printed.length_bits


def test_live_bound_tends_to_the_asymptotic_one():
    for k in (2, 3):
        counts = fibre_counts(k, 1e13)
        endless = asymptotic(counts, Security(), 0).length_bits
        assert secret_key_length(counts, Security(), 0).length_bits > 0.99 * endless


def test_the_key_shrinks_by_what_leaks():
    counts = fibre_counts(3)
    whole = secret_key_length(counts, Security(), 0).length_bits
    assert secret_key_length(counts, Security(), 1000).length_bits == whole - 1000
    assert secret_key_length(counts, Security(), 1e9).length_bits == 0


@given(st.integers(1, 4), st.integers(1, 3))
def test_axes_do_not_mix(rows, columns):
    one = fibre_counts(3)
    scale = np.linspace(0.001, 1.0, rows * columns).reshape(rows, columns, 1, 1)
    many = replace(one, clicks=scale * one.clicks, errors=scale * one.errors)
    lengths = secret_key_length(many, Security(), 0).length_bits
    assert lengths.shape == (rows, columns)
    for i, s in np.ndenumerate(scale[..., 0, 0]):
        alone = replace(one, clicks=s * one.clicks, errors=s * one.errors)
        assert secret_key_length(alone, Security(), 0).length_bits == lengths[i]


def test_the_budget_adds_up():
    security = Security(epsilon_secrecy=1e-9, epsilon_correctness=1e-15)
    assert 2 * security.epsilon_testing + security.epsilon_amplification == pytest.approx(1e-9)
    assert security.epsilon == pytest.approx(1e-9 + 1e-15)
    key = secret_key_length(fibre_counts(3), security, 0)
    # Theorem: 2 log2(1/(2 eps_PA)) and log2(2/eps_EV).
    assert key.value("secrecy") == pytest.approx(2 * np.log2(1 / (2 * 5e-10)))
    assert key.value("correctness") == pytest.approx(np.log2(2 / 1e-15))
    assert "coherent" in key.proof.attacks


def test_what_cannot_be_a_live_key_is_refused():
    with pytest.raises(ParameterError, match="a live key needs bound = 'variable-length'"):
        secret_key_length(fibre_counts(3), Security("lim2014"), 0)
    one = np.ones((2, 1))
    with pytest.raises(ParameterError, match="2 or 3 intensities"):
        secret_key_length(DecoyCounts(10, (0.5,), (1.0,), one, one), Security(), 0)
    with pytest.raises(ParameterError, match="mu1 > mu2"):
        secret_key_length(replace(fibre_counts(3), intensities=(0.5, 0.4, 0.2)), Security(), 0)
    for wrong in ({"epsilon_secrecy": 0.0}, {"epsilon_correctness": 2.0}, {"f_ec": 0.9}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            Security(**wrong)


def poisson(k, n):
    return exp(-k) * k**n / factorial(n)


def resolved(rng, k):
    """A random eavesdropper: yields and error rates by photon number (vacuum errs by half), and what comes of them."""
    intensities, p = SOURCES[k]
    yields = rng.uniform(0, 1, PHOTONS) ** rng.uniform(0.5, 4)
    wrong = rng.uniform(0, 1, PHOTONS) * rng.uniform(0, 0.3)
    wrong[0] = 0.5
    law = np.array([[p_k * poisson(mu, n) for n in range(PHOTONS)] for p_k, mu in zip(p, intensities, strict=True)])
    return law, yields, wrong


def counts_of(k, clicks, errors):
    return DecoyCounts(1e9, *SOURCES[k], np.stack([clicks, clicks]), np.stack([errors, errors]))


@pytest.mark.parametrize("k", [2, 3])
def test_estimates_bracket_the_truth_and_a_linear_programme(k):
    """Without deviations: analytic bound <= the least that any yields allow (HiGHS) <= truth."""
    rng = np.random.default_rng(20261123)
    for _ in range(500):
        law, yields, wrong = resolved(rng, k)
        clicks, errors = law @ yields, law @ (yields * wrong)
        photons = (two_decoys if k == 3 else one_decoy)(counts_of(k, clicks, errors), 1.0)
        tau1 = law[:, 1].sum()
        right_and_wrong = np.concatenate([law, law], axis=1)  # unknown: right and wrong clicks by photon number
        only_wrong = np.concatenate([np.zeros_like(law), law], axis=1)
        vacuum_is_blind = np.zeros((1, 2 * PHOTONS))
        vacuum_is_blind[0, [0, PHOTONS]] = 1.0, -1.0
        equal = np.concatenate([right_and_wrong, only_wrong, vacuum_is_blind])
        values = np.concatenate([clicks, errors, [0.0]])
        # Tails are cut at PHOTONS alike in the model and in the programme, and rows are scaled to unit size.
        scale = np.abs(equal).max(axis=1)
        cost = np.zeros(2 * PHOTONS)
        cost[[1, PHOTONS + 1]] = tau1
        least = linprog(cost, A_eq=equal / scale[:, None], b_eq=values / scale, bounds=(0, 1), method="highs")
        assert least.status == 0
        truth = tau1 * yields[1]
        assert photons.key_single_lower <= least.fun + 1e-7 <= truth + 2e-7
        cost = np.zeros(2 * PHOTONS)
        cost[PHOTONS + 1] = -tau1
        most = linprog(cost, A_eq=equal / scale[:, None], b_eq=values / scale, bounds=(0, 1), method="highs")
        assert photons.test_errors_upper >= -most.fun - 1e-7
        assert -most.fun >= truth * wrong[1] - 1e-7


@pytest.mark.parametrize("k", [2, 3])
def test_estimates_hold_on_sampled_photon_numbers(k):
    """At epsilon = 1e-4 an event, 12 events, 400 blocks: expected failures <= 0.48 though Hoeffding is far from tight.

    False alarm (more than 5 failures): below 1e-4 even if every bound failed as often as it may.
    """
    rng = np.random.default_rng(7)
    failures = 0
    for _ in range(400):
        law, yields, wrong = resolved(rng, k)
        n_pulses = 10**6
        joint = np.stack([law * yields * (1 - wrong), law * yields * wrong])
        joint = np.append(joint.ravel(), 1 - joint.sum())
        drawn = rng.multinomial(n_pulses, joint, size=2)[:, :-1].reshape(2, 2, k, PHOTONS)  # basis, wrong, k, n
        clicks, errors = drawn.sum(axis=(1, 3)), drawn[:, 1].sum(axis=2)
        counts = DecoyCounts(n_pulses, *SOURCES[k], clicks, errors)
        single = drawn[:, :, :, 1].sum(axis=(1, 2))
        vacuum = drawn[0, :, :, 0].sum()
        for photons in (
            [two_decoys(counts, 1e-4)]
            if k == 3
            else [one_decoy(counts, 1e-4, printed_vacuum), one_decoy(counts, 1e-4, binomial_vacuum)]
        ):
            failures += bool(
                photons.key_single_lower > single[0]
                or photons.test_single_lower > single[1]
                or photons.test_errors_upper < drawn[1, 1, :, 1].sum()
                or photons.key_vacuum_lower > vacuum
            )
    assert failures <= 5


@settings(max_examples=500, deadline=None)
@given(st.floats(0, 40), st.floats(5.0, 10.0).map(lambda digits: 10.0**digits))
def test_printed_two_decoy_form_agrees_with_an_independent_code(loss_db, n_key):
    counts = fibre_counts(3, n_key, loss_db)
    security = Security("lim2014", 1e-9, 1e-15, 1.16)
    ours = lim_paper.key_length(counts, security)
    each = peer.bb84_eps(1e-9)
    setting = (*counts.intensities, tuple(counts.p_intensities))
    s0, s1 = peer.decoy_counts(*setting, tuple(counts.clicks[0]), each)
    _, sample = peer.decoy_counts(*setting, tuple(counts.clicks[1]), each)
    wrong = peer.decoy_errors(*setting, tuple(counts.errors[1]), each)
    assert ours.value("vacuum") == pytest.approx(s0, rel=1e-9)
    assert ours.value("single") == pytest.approx(s1, rel=1e-9)
    assert ours.value("sample_errors") == pytest.approx(wrong, rel=1e-9)
    phase = peer.bb84_phase(wrong, sample, s1, 1e-9) if sample > wrong else 0.5
    assert ours.value("phase_error") == pytest.approx(phase, rel=1e-9)
    length = peer.bb84_length(s0, s1, phase, n_key, float(counts.qber[0]), 1.16, 1e-9, 1e-15)
    assert ours.length_bits == pytest.approx(length, abs=1.0)
