"""Heterodyne detection: the norm of its operators by numbers, and an adversary who makes the light."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln
from scipy.stats import chi2

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.converter import Converter
from haris.quantum.entropy.heterodyne import HETERODYNE, Heterodyne, pair_guess
from haris.quantum.entropy.shot_noise import least_power, least_vacuum_v2

GOOD = Heterodyne(
    adc_bits=10, range_v=0.8, clock_hz=2.5e9, signal_rms_v=0.1, dark_rms_v=0.03, calibration_samples=10**9
)
EPSILON = 2.0**-101


def bits(parameters, n_samples=410, epsilon=EPSILON, checks=None):
    return HETERODYNE.randomness(parameters, n_samples, epsilon, checks).min_entropy_per_sample


def with_(**changes):
    return dataclasses.replace(GOOD, **changes)


VALID = st.builds(
    lambda adc, rng, rms, dark, n, dnl, oscillator, photons: Heterodyne(
        adc, min(max(rng * rms, 1e-9), 1e9), 1e9, rms, dark * rms, n, dnl, oscillator, photons
    ),
    st.integers(2, 12),
    st.floats(1e-6, 1e6),
    st.floats(1e-9, 1e9),
    st.floats(0.0, 0.999),
    st.integers(1, 10**12),
    st.floats(0.0, 0.99),
    st.floats(0.0, 10.0),
    st.floats(0.0, 1e6),
)


@settings(max_examples=300)
@given(VALID, st.integers(1, 10**9), st.sampled_from([2.0**-101, 2.0**-300, 2.0**-901]))
def test_every_valid_source_has_a_bound(parameters, n_samples, epsilon):
    found = HETERODYNE.randomness(parameters, n_samples, epsilon, None)
    assert 0.0 <= found.min_entropy_per_sample <= parameters.bits
    assert found.epsilon <= epsilon
    assert not any(np.isnan(t.value) for t in found.terms)


def localisation(side):
    """The operator of a square about the origin in 40 number states: <m| integral |alpha><alpha| / pi |n>."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    x, y = np.meshgrid(0.5 * side * nodes, 0.5 * side * nodes)
    weight = np.outer(weights, weights).ravel() * (0.5 * side) ** 2 / math.pi
    alpha, n = (x + 1j * y).ravel(), np.arange(40)
    states = np.exp(-0.5 * abs(alpha) ** 2)[:, None] * alpha[:, None] ** n / np.exp(0.5 * gammaln(n + 1.0))
    return (states.T * weight) @ states.conj()


@pytest.mark.parametrize("side", [0.05, 0.3, 1.0, 2.0, 3.0])
def test_no_state_is_guessed_better_than_the_norm(side):
    norm = np.linalg.eigvalsh(localisation(side))[-1]
    assert norm <= pair_guess(side) * (1 + 1e-12)
    assert norm >= pair_guess(side) * (1 - 0.03 * min(1.0, side**2))  # a square is nearly a disc
    assert pair_guess(side) <= side**2 / math.pi


def test_an_eve_who_displaces_the_light_to_where_she_likes_guesses_no_better():
    """She sends coherent states at the middles of codes and names them: two million pairs, six standard errors."""
    parameters = with_(adc_bits=4, dark_rms_v=0.0)
    rng, n, converter = np.random.default_rng(3), 2_000_000, parameters.converter
    named = rng.integers(3, 13, (n, 2))
    volts = -converter.range_v + named * converter.step_v + 0.1 * rng.standard_normal((n, 2))
    hits = np.mean(np.all(converter.digitise(volts) == named, axis=1))
    allowed = 2.0 ** (-2 * bits(parameters))
    assert hits <= allowed + 6 * math.sqrt(allowed / n)
    assert hits >= 0.8 * allowed  # an eighth of a squared code is taken off the vacuum


def test_one_first_or_last_code_costs_the_block():
    assert bits(GOOD, checks=0) == bits(GOOD) > 7.0
    assert bits(GOOD, checks=1) == 0.0
    emission = HETERODYNE.emulate(with_(range_v=0.2), 1000, 1)
    assert emission.checks == np.count_nonzero(np.isin(emission.samples.values, [0, 1023])) > 0


def test_an_odd_sample_is_worth_nothing():
    found = [HETERODYNE.randomness(GOOD, n, EPSILON, None).min_entropy_bits for n in (1, 2, 3)]
    assert found[0] == 0.0 < found[1]
    assert found[2] == pytest.approx(found[1], rel=1e-6)


@pytest.mark.parametrize(
    "worse",
    [
        {"dark_rms_v": 0.05},
        {"range_v": 1.0},
        {"adc_bits": 9},
        {"dnl_lsb": 0.3},
        {"oscillator_rms": 0.01},
        {"calibration_samples": 10**5},
    ],
)
def test_what_is_worse_gives_less(worse):
    assert bits(with_(**worse)) < bits(GOOD) - 0.005


def test_the_bound_does_not_ask_for_the_light():
    assert bits(with_(thermal_photons=5.0)) == bits(GOOD)


def test_what_cannot_be_calibrated_certifies_nothing():
    assert bits(with_(calibration_samples=50)) == 0.0
    assert bits(with_(oscillator_rms=0.1)) == 0.0


@pytest.mark.parametrize("parameters", [GOOD, with_(thermal_photons=2.0, oscillator_rms=0.02, adc_bits=8, range_v=1.5)])
def test_emulated_samples_have_their_statistics(parameters):
    """A million samples; six standard errors."""
    values = HETERODYNE.emulate(parameters, 10**6, 4).samples.values.astype(float)
    expected = HETERODYNE.statistics(parameters)
    assert abs(values.mean() - expected.mean) < 6e-3 * math.sqrt(expected.variance)
    assert values.var() == pytest.approx(expected.variance, rel=6 * math.sqrt(2e-6))


def test_the_least_vacuum_holds_beside_chi_square():
    n, epsilon, fine = 10**6, 1e-12, Converter(16, 1.0)
    least = least_vacuum_v2(0.1, 0.0, n, fine, epsilon)
    assert 0.989 * 0.01 < least <= 0.01 * n / chi2.isf(epsilon / 2, n)
    assert least_vacuum_v2(0.1, 0.05, n, fine, epsilon) <= least - 0.0025
    assert least_power(0.01, 1000, 1e-12) == pytest.approx(1 - 0.01 * 7.96, abs=1e-3)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"adc_bits": 1}, "adc_bits"),
        ({"range_v": 0.0}, "range_v"),
        ({"clock_hz": -1.0}, "clock_hz"),
        ({"dark_rms_v": 0.1}, "dark_rms_v"),
        ({"calibration_samples": 0}, "calibration_samples"),
        ({"oscillator_rms": math.nan}, "oscillator_rms"),
        ({"dnl_lsb": 2.0}, "dnl_lsb"),
        ({"thermal_photons": -1.0}, "thermal_photons"),
    ],
)
def test_bad_parameters_are_named(wrong, named):
    with pytest.raises(ParameterError, match=named):
        with_(**wrong)
