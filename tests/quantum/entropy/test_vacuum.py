"""Vacuum fluctuations: an adversary who knows all but the vacuum, emulated samples, and bounds that only fall."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, multivariate_normal, norm

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.converter import reach_sigma
from haris.quantum.entropy.correlation import measured
from haris.quantum.entropy.source import EntropySource, Extraction
from haris.quantum.entropy.sources import SOURCES
from haris.quantum.entropy.vacuum import (
    VACUUM,
    VacuumFluctuations,
    calibrated,
    correlation,
    dark_correlation,
    optimal_range_v,
    vacuum_spectrum_v2,
)

GOOD = VacuumFluctuations(
    adc_bits=10, range_v=0.5, clock_hz=2.5e9, signal_rms_v=0.1, dark_rms_v=0.02, calibration_samples=10**9
)
EPSILON = 2.0**-101


def bits(parameters, n_samples=400, epsilon=EPSILON):
    return VACUUM.randomness(parameters, n_samples, epsilon, None).min_entropy_per_sample


def with_(**changes):
    return dataclasses.replace(GOOD, **changes)


VALID = st.builds(
    lambda adc, rng, rms, dark, n, offset, excess, noise, dnl: VacuumFluctuations(
        adc, rng * rms, 1e9, rms, dark * rms, n, offset * rng * rms, excess, dnl_lsb=dnl, **noise
    ),
    st.integers(1, 12),
    st.floats(2.5, 60.0),
    st.floats(1e-6, 1e3),
    st.floats(0.0, 0.999),
    st.integers(1, 10**12),
    st.floats(-0.1, 0.1),
    st.floats(0.0, 1.0),
    st.one_of(
        st.just({}),
        st.builds(lambda b: {"bandwidth_hz": b * 1e9}, st.floats(0.01, 10.0)),
        st.builds(lambda a: {"autocorrelation": tuple(a)}, st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=4)),
        st.just({"autocorrelation": (0.1,), "dark_autocorrelation": (0.1002,)}),
    ),
    st.floats(0.0, 0.99),
)


@settings(max_examples=300)
@given(VALID, st.integers(1, 10**9), st.sampled_from([2.0**-101, 2.0**-300, 2.0**-901]))
def test_every_valid_source_has_a_bound(parameters, n_samples, epsilon):
    found = VACUUM.randomness(parameters, n_samples, epsilon, None)
    assert 0.0 <= found.min_entropy_per_sample <= parameters.bits
    assert found.epsilon <= epsilon
    assert not any(np.isnan(t.value) for t in found.terms)


@pytest.mark.parametrize(
    "worse",
    [
        {"dark_rms_v": 0.03},
        {"excess_share": 0.05},
        {"bandwidth_hz": 0.5e9},
        {"autocorrelation": (0.2,)},
        {"calibration_samples": 10**6},
        {"offset_v": 0.1},
        {"dnl_lsb": 0.3},
        {"range_v": 0.3},
        {"range_v": 2.0},
        {"adc_bits": 9},
    ],
)
def test_what_is_worse_gives_less(worse):
    assert bits(with_(**worse)) < bits(GOOD) - 0.005


def test_less_epsilon_and_longer_blocks_give_less():
    assert bits(GOOD, epsilon=2.0**-200) < bits(GOOD)
    assert bits(with_(range_v=0.35), 10**7) < bits(with_(range_v=0.35))


def test_all_that_calibration_cannot_say_is_lost():
    assert bits(with_(calibration_samples=50)) == 0.0
    assert bits(with_(autocorrelation=(0.2, 0.1), calibration_samples=10**4)) == 0.0


@pytest.mark.parametrize(("n_samples", "epsilon"), [(1, 0.01), (409, 2.0**-102), (10**9, 2.0**-901)])
def test_the_reach_holds_with_its_probability(n_samples, epsilon):
    tail = norm.logsf(reach_sigma(n_samples, epsilon)) + math.log(2.0 * n_samples)
    assert tail == pytest.approx(math.log(epsilon), rel=1e-9)


@pytest.mark.parametrize(
    "parameters",
    [
        with_(adc_bits=6, range_v=0.4),
        with_(adc_bits=4, range_v=0.25, dark_rms_v=0.06, dnl_lsb=0.5),
        with_(adc_bits=3, dark_rms_v=0.05, bandwidth_hz=0.3e9),
        with_(adc_bits=3, autocorrelation=(0.3, -0.1), excess_share=0.3),
        with_(adc_bits=4, range_v=0.6, dark_rms_v=0.05, autocorrelation=(0.2, 0.1), dark_autocorrelation=(-0.4,)),
    ],
)
def test_who_knows_everything_else_guesses_no_better(parameters):
    """She gets the classical noise and all earlier vacuum noise, and names the likeliest code.

    One million guesses; six standard errors: a false alarm in 1e9.
    """
    rng, n, noise = np.random.default_rng(8), 1_000_000, correlation(parameters)
    quantum = (parameters.signal_rms_v**2 - parameters.dark_rms_v**2) * (1.0 - parameters.excess_share)
    vacuums, dark = noise, dark_correlation(parameters)
    if parameters.dark_autocorrelation:
        own = np.fft.ifft(vacuum_spectrum_v2(parameters)).real / quantum
        vacuums = measured(tuple(map(float, own[1:5])))
    new = rng.standard_normal(n, np.float32)
    vacuum = math.sqrt(quantum) * vacuums.colour(new.copy(), vacuums.start(rng))[0].astype(float)
    told = vacuum - math.sqrt(quantum * vacuums.innovation) * new
    classical = math.sqrt(parameters.signal_rms_v**2 - quantum) * dark.colour(
        rng.standard_normal(n, np.float32), dark.start(rng)
    )[0].astype(float)
    total = vacuum + classical
    for lag, wanted in enumerate(noise.lags[:3], 1):
        assert np.mean(total[lag:] * total[:-lag]) / parameters.signal_rms_v**2 == pytest.approx(wanted, abs=0.01)
    codes = parameters.converter.digitise(parameters.offset_v + vacuum + classical)
    edges = np.concatenate([[-np.inf], parameters.converter.thresholds_v(), [np.inf]])
    known = (parameters.offset_v + told + classical)[:, None]
    best = np.empty(n, int)
    for first in range(0, n, 50_000):
        part = norm.cdf(edges, known[first : first + 50_000], math.sqrt(quantum * vacuums.innovation))
        best[first : first + 50_000] = np.argmax(np.diff(part, axis=1), axis=1)
    hits = np.mean(codes == best)
    allowed = 2.0 ** -bits(parameters)
    assert hits <= allowed + 6 * math.sqrt(allowed / n)
    assert hits > 0.2 * allowed or allowed == 1.0  # the bound is no idle one


@pytest.mark.parametrize("past_sigma", [0.0, 2.0, -4.0])
def test_no_three_samples_together_are_likelier_than_three_guesses(past_sigma):
    """By integrals of the Gaussian of three samples after a known one, with known noise; codes about the mean."""
    parameters = with_(adc_bits=5, range_v=1.2, dark_rms_v=0.02, bandwidth_hz=0.4e9)
    vacuum, a = math.sqrt(0.1**2 - 0.02**2), correlation(parameters).feedback
    edges = np.concatenate([[-np.inf], parameters.converter.thresholds_v(), [np.inf]])
    allowed = 8.0 ** -bits(parameters)
    steps = np.arange(1, 4)
    covariance = vacuum**2 * (a ** np.abs(steps[:, None] - steps) - a ** (steps[:, None] + steps))
    likeliest = 0.0
    for classical in itertools.product((-0.06, 0.0, 0.06), repeat=3):
        mean = past_sigma * vacuum * a**steps + np.array(classical)
        nearest = np.clip(np.searchsorted(edges, mean) - 1, 1, 30)
        for code in itertools.product(*([n - 1, n, n + 1] for n in nearest)):
            low, high = edges[list(code)], edges[[c + 1 for c in code]]
            p = multivariate_normal(mean, covariance).cdf(high, lower_limit=low, rng=np.random.default_rng(1))
            likeliest = max(likeliest, p)
    assert likeliest <= allowed * (1 + 1e-4)
    assert likeliest > 0.5 * allowed


def test_calibration_bounds_hold_beside_chi_square():
    n, epsilon = 10**6, 1e-12
    bound = calibrated(with_(calibration_samples=n, dark_rms_v=0.0), epsilon)
    assert bound.total_most_v2 >= 0.01 * n / chi2.ppf(epsilon / 6, n)
    assert 0.0 < bound.new_least_v2 <= 0.01 * n / chi2.isf(epsilon / 6, n)


def test_calibration_bounds_hold_for_correlated_noise():
    """Rms of 500 short recordings of strongly correlated noise: none outside at epsilon 1e-4 (false alarm 0.05)."""
    n, epsilon, parameters = 4000, 1e-4, with_(bandwidth_hz=0.1e9, dark_rms_v=0.0, calibration_samples=4000)
    rng, noise = np.random.default_rng(2), correlation(parameters)
    outside = 0
    for _ in range(500):
        rms = 0.1 * np.sqrt(np.mean(noise.colour(rng.standard_normal(n, np.float32), noise.start(rng))[0] ** 2))
        bound = calibrated(dataclasses.replace(parameters, signal_rms_v=float(rms)), epsilon)
        outside += not bound.new_least_v2 <= 0.01 * noise.innovation <= bound.new_most_v2
    assert outside == 0


def test_the_optimal_range_is_the_best_one():
    q, c = math.sqrt(1 / 1.1), math.sqrt(0.1 / 1.1)
    best = optimal_range_v(8, q, 12.0 * c)
    converter = [VacuumFluctuations(8, best * s, 1e9, 1.0, c, 10**9).converter for s in (0.97, 1.0, 1.03)]
    low, at, high = (x.worst_guess(q, q, -12 * c, 12 * c) for x in converter)
    assert at < low
    assert at < high


def test_the_best_range_that_is_told_gives_the_most():
    terms = {t.name: float(t.value) for t in VACUUM.randomness(GOOD, 400, EPSILON, None).terms}
    best = bits(with_(range_v=terms["best range"]))
    assert best > bits(GOOD)
    assert best > max(bits(with_(range_v=terms["best range"] * s)) for s in (0.95, 1.05))


def test_a_converter_that_hardly_resolves_the_dark_noise_takes_its_step_off():
    """Rms values as codes give them, of dark noise that stays within a code: the vacuum is not overrated."""
    coarse = with_(adc_bits=4, range_v=0.5, dark_rms_v=0.0)
    step, rng = coarse.converter.step_v, np.random.default_rng(3)
    for dark in (0.15 * step, 0.2 * step, 0.25 * step):
        on, off = (
            float(np.std(coarse.converter.digitise(rms * rng.standard_normal(4_000_000)).astype(float)) * step)
            for rms in (math.hypot(0.1, dark), dark)
        )
        bound = calibrated(with_(adc_bits=4, range_v=0.5, signal_rms_v=on, dark_rms_v=off), EPSILON)
        assert bound.new_least_v2 <= 0.1**2
        assert on**2 - off**2 > 0.1**2  # without that step it would be


def test_on_average_more_is_left_than_at_worst():
    q, c, converter = 0.095, 0.03, with_(adc_bits=8).converter
    mean = converter.average_guess(q, 0.0, c)
    assert mean <= converter.worst_guess(q, q, -5 * c, 5 * c)
    edges = np.concatenate([[-np.inf], converter.thresholds_v(), [np.inf]])
    known = c * norm.ppf((np.arange(4000) + 0.5) / 4000)
    exact = np.mean(np.max(np.diff(norm.cdf(edges, known[:, None], q), axis=1), axis=1))
    assert exact <= mean * (1 + 1e-6)
    assert mean == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize(
    "parameters", [GOOD, with_(bandwidth_hz=0.4e9, adc_bits=8), with_(autocorrelation=(0.3, -0.1), offset_v=0.05)]
)
def test_emulated_samples_have_the_statistics(parameters):
    """Five standard errors of two million samples."""
    n = 2_000_000
    codes = VACUUM.emulate(parameters, n, 4).samples.values.astype(float)
    wanted = VACUUM.statistics(parameters)
    counts, noise = 5 * math.sqrt(1 / n), correlation(parameters)
    assert codes.mean() == pytest.approx(wanted.mean, abs=counts * math.sqrt(noise.peak * wanted.variance))
    assert codes.var() == pytest.approx(wanted.variance, rel=counts * math.sqrt(2 * noise.squares))
    ends = np.mean((codes == 0) | (codes == 2**parameters.bits - 1))
    assert ends == pytest.approx(wanted.p_saturated, abs=2 * counts * math.sqrt(wanted.p_saturated) + 2 / n)
    codes -= wanted.mean
    for lag in range(1, 8):
        expected = wanted.autocorrelation[lag - 1] if lag <= len(wanted.autocorrelation) else 0.0
        found = np.mean(codes[lag:] * codes[:-lag]) / wanted.variance
        assert found == pytest.approx(expected, abs=counts * math.sqrt(2 * noise.squares))


def test_emulated_codes_are_as_frequent_as_the_gaussian_says():
    """Chi-square of 1023 degrees: one false alarm in a million."""
    n, parameters = 2_000_000, GOOD
    counts = np.bincount(VACUUM.emulate(parameters, n, 6).samples.values, minlength=1024)
    edges = np.concatenate([[-np.inf], parameters.converter.thresholds_v(), [np.inf]])
    expected = n * np.diff(norm.cdf(edges, 0.0, 0.1))
    common = expected > 10
    score = np.sum((counts - expected)[common] ** 2 / expected[common])
    assert score < chi2.isf(1e-6, common.sum())


def test_a_seed_repeats_its_samples():
    first, again, other = (VACUUM.emulate(with_(bandwidth_hz=1e9), 3000, seed).samples for seed in (1, 1, 2))
    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)
    assert first.bits == 10
    assert first.clock_hz == 2.5e9


def test_a_block_is_certified_as_a_source():
    found = EntropySource(SOURCES["vacuum"], GOOD, Extraction()).randomness()
    assert found.n_samples == 409
    assert 7.0 < found.min_entropy_per_sample < 8.0
    assert found.epsilon == 2.0**-101


@pytest.mark.parametrize(
    "wrong",
    [
        {"dark_rms_v": 0.1},
        {"dark_rms_v": -0.1},
        {"range_v": 0.05},
        {"range_v": float("inf")},
        {"offset_v": 0.5},
        {"offset_v": float("nan")},
        {"signal_rms_v": 0.0},
        {"excess_share": 1.5},
        {"bandwidth_hz": 1e7},
        {"bandwidth_hz": -1.0},
        {"autocorrelation": (0.7,)},
        {"autocorrelation": (0.1,), "bandwidth_hz": 1e9},
        {"dark_autocorrelation": (0.1,)},
        {"dark_autocorrelation": (0.6,), "autocorrelation": (0.1,)},
        {"dark_autocorrelation": (-0.3,), "autocorrelation": (0.4,), "dark_rms_v": 0.09},
        {"calibration_samples": 0},
        {"adc_bits": 17},
        {"dnl_lsb": 2.0},
        {"clock_hz": 0.0},
    ],
)
def test_an_impossible_calibration_is_refused_by_name(wrong):
    name = next(iter(wrong))
    with pytest.raises(ParameterError, match=f"^{name} "):
        with_(**wrong)


def test_white_dark_noise_leaves_less_than_one_like_the_signal_and_the_proof_says_which_is_taken():
    like_signal = VacuumFluctuations(8, 5.0, 1e9, 1.0, 0.4, 10**12, autocorrelation=(0.38,))
    white = dataclasses.replace(like_signal, dark_autocorrelation=(0.0,))
    most, least = (VACUUM.randomness(each, 512, 2.0**-101, None).min_entropy_bits for each in (like_signal, white))
    assert least < most
    assert any("as the signal's where it is left away" in each for each in VACUUM.proof.assumptions)
