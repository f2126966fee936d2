"""Squeezed light: states on a grid, frames that an adversary made uneven, and light that is not what was ordered."""

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from haris.bench.squeezed import SOURCE
from haris.nouns.errors import ParameterError
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.overlap import quadrature_overlap
from haris.quantum.entropy.source import EntropySource, Extraction
from haris.quantum.entropy.sources import read_source
from haris.quantum.entropy.squeezed import (
    SQUEEZED,
    Plan,
    QuadratureChecks,
    SqueezedLight,
    check_probabilities,
    outcome_costs,
    plan,
)

GOOD = SqueezedLight(
    adc_bits=8,
    range_v=0.9,
    round_hz=150e6,
    signal_rms_v=0.1,
    dark_rms_v=0.02,
    calibration_samples=10**9,
    p_check=0.01,
    squeezing_db=3.0,
    antisqueezing_db=4.0,
)
FRAME = dataclasses.replace(GOOD, frame_blocks=2**17)
EPSILON = 2.0**-101
BLOCK = 2**24


def found(parameters, checks=None, n=BLOCK, epsilon=EPSILON):
    return SQUEEZED.randomness(parameters, n, epsilon, checks)


def bits(parameters, checks=None, n=BLOCK, epsilon=EPSILON):
    return found(parameters, checks, n, epsilon).min_entropy_per_sample


def with_(**changes):
    return dataclasses.replace(GOOD, **changes)


VALID = st.builds(
    lambda adc, rng, rms, dark, n, p, squeezing, more, frame, dnl, oscillator, angle: SqueezedLight(
        adc, min(max(rng * rms, 1e-9), 1e9), 1e8, rms, dark * rms, n, p, squeezing, squeezing + more, frame, dnl,
        oscillator, angle,
    ),
    st.integers(2, 10),
    st.floats(1e-3, 1e3),
    st.floats(1e-9, 1e9),
    st.floats(0.0, 0.999),
    st.integers(1, 10**12),
    st.floats(1e-9, 0.5),
    st.floats(0.0, 30.0),
    st.floats(0.0, 30.0),
    st.integers(0, 24).map(lambda e: 2**e),
    st.floats(0.0, 0.99),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.57),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(VALID, st.integers(1, 10**9), st.sampled_from([2.0**-101, 2.0**-300, 2.0**-901]))
def test_every_valid_source_has_a_bound(parameters, n_samples, epsilon):
    result = found(parameters, None, n_samples, epsilon)
    assert 0.0 <= result.min_entropy_per_sample <= parameters.bits
    assert result.spent_bits >= 0.0
    assert not any(np.isnan(t.value) for t in result.terms)


def test_words_of_the_outcomes_make_a_code():
    """Kraft: 2^-length sums to at most 1, with all that cost the most one word."""
    costs, overlap = outcome_costs(GOOD, 1e-3), 1e-3
    inside = costs < costs.max()
    assert np.sum(overlap * 2.0 ** -costs[inside]) + 2.0 ** -costs.max() <= 1.0 + 1e-12
    assert not inside[0]
    assert not inside[-1]


def test_states_on_a_grid_are_guessed_no_better_than_their_outcomes_cost():
    """The inequality under it all: the likeliest code of q has at most the mean of 2^cost over p's outcomes, whatever
    the code. Pure states on a grid, hbar = 1, codes of width 0.8 and 1.1, with half lines at both ends."""
    n, step, rng = 4096, 0.05, np.random.default_rng(1)
    q = (np.arange(n) - n // 2) * step
    p = np.fft.fftshift(2.0 * np.pi * np.fft.fftfreq(n, step))
    edges_q, edges_p = np.arange(-4.0, 4.1, 0.8), np.arange(-4.4, 4.5, 1.1)
    overlap = quadrature_overlap(0.8 * 1.1)
    near = []
    for _ in range(400):
        state = np.zeros(n, complex)
        for _ in range(rng.integers(1, 4)):
            width, at_q, at_p = rng.uniform(0.15, 3.0), *rng.uniform(-2.5, 2.5, 2)
            part = np.exp(-((q - at_q) ** 2) / (4 * width**2) + 1j * at_p * q)
            state += part * (rng.standard_normal() + 1j * rng.standard_normal())
        chance_q = np.abs(state) ** 2 / np.sum(np.abs(state) ** 2)
        chance_p = np.abs(np.fft.fftshift(np.fft.fft(np.fft.ifftshift(state)))) ** 2
        chance_p /= chance_p.sum()
        in_q = np.bincount(np.searchsorted(edges_q, q), chance_q, len(edges_q) + 1)
        in_p = np.bincount(np.searchsorted(edges_p, p), chance_p, len(edges_p) + 1)
        overlaps = np.where(np.isin(np.arange(len(in_p)), [0, len(in_p) - 1]), 1.0, overlap)
        for words in (rng.dirichlet(np.ones(len(in_p))), np.sqrt(in_p * overlaps) / np.sqrt(in_p * overlaps).sum()):
            cost = np.sum(in_p * overlaps / np.maximum(words, 1e-300))
            assert in_q[1:-1].max() <= cost * (1 + 1e-3)
            near.append(in_q[1:-1].max() / cost)
    assert max(near) > 0.6  # not idle


def test_more_squeezing_gives_more_and_beats_the_vacuum():
    """Same converter and same antisqueezed quadrature: only the checks are narrower."""
    rates = [bits(with_(squeezing_db=s, antisqueezing_db=12.0)) for s in (0.0, 1.0, 3.0, 6.0, 10.0)]
    assert all(b > a + 0.05 for a, b in itertools.pairwise(rates))


@pytest.mark.parametrize(
    "worse",
    [
        {"dark_rms_v": 0.04},
        {"squeezing_db": 2.0},
        {"range_v": 1.0},
        {"adc_bits": 7},
        {"dnl_lsb": 0.2},
        {"oscillator_rms": 0.01},
        {"misalignment_rad": 0.2},
        {"calibration_samples": 10**5},
        {"p_check": 0.0005},
    ],
)
def test_what_is_worse_gives_less(worse):
    assert bits(with_(**worse)) < bits(GOOD) - 0.005
    assert bits(dataclasses.replace(FRAME, **worse), n=512) < bits(FRAME, n=512) - 0.005


def test_less_epsilon_gives_less_and_long_blocks_near_the_entropy():
    assert bits(GOOD, epsilon=2.0**-200) < bits(GOOD)
    assert bits(GOOD, n=2**30) > bits(GOOD, n=2**24) > bits(GOOD, n=2**20)
    perfect = with_(dark_rms_v=0.0)
    vacuum_share = 10**-0.3 / 2
    step = perfect.converter.step_v / (math.sqrt(2) * 0.1)
    shannon = math.log2(2 * math.pi / step**2) - 0.5 * math.log2(2 * math.pi * math.e * vacuum_share / step**2)
    assert shannon - 0.08 < bits(perfect, n=2**33) < shannon


def test_blocks_of_one_frame_are_worth_less_than_the_frame():
    whole = bits(with_(), n=512 * 2**17)
    assert bits(FRAME, n=512) < bits(FRAME, n=4096) < whole
    assert bits(dataclasses.replace(GOOD, frame_blocks=2), n=2**23) <= bits(GOOD, n=2**24)


def test_turned_rows_bound_the_blocks_of_an_uneven_frame():
    """Eve makes a stretch of the frame noisy. Costs of a block exceed what the frame's mean says at most at delta."""
    rng, delta, rows, blocks = np.random.default_rng(3), 0.01, 64, 4000
    costs, p = outcome_costs(GOOD, 1e-3), check_probabilities(GOOD)
    noisy = check_probabilities(with_(squeezing_db=0.0, dark_rms_v=0.09))
    frame = rng.choice(256, (rows, blocks), p=p)
    frame[:16] = rng.choice(256, (16, blocks), p=noisy)
    frame[16:32, : blocks // 4] = rng.choice(256, (16, blocks // 4), p=noisy)
    sums = np.zeros(blocks)
    for row in frame:
        sums += costs[np.roll(row, rng.integers(blocks))]
    for tilt in (0.2, 0.5, 0.8):
        tried = Plan(costs, tilt, 0.5)
        allowed = tried.cost_bits(float(tried.scores()[frame].mean()), rows, -math.log2(delta))
        assert np.mean(sums > allowed) <= delta
        assert allowed < sums.mean() + 6 * sums.std() + rows
    mean = Plan(costs, 0.0, 0.5)
    assert mean.cost_bits(float(mean.scores()[frame].mean()), rows, 0.0) == pytest.approx(sums.mean())


def test_checks_as_expected_give_what_was_planned():
    for parameters, n in ((GOOD, 2**22), (dataclasses.replace(FRAME, frame_blocks=2**13), 512)):
        emission = SQUEEZED.emulate(parameters, n * parameters.frame_blocks, 7)
        assert len(emission.samples) == n * parameters.frame_blocks
        checks = QuadratureChecks(emission.checks.counts)
        assert bits(parameters, checks, n) == pytest.approx(bits(parameters, None, n), abs=0.05)


@pytest.mark.parametrize(
    "parameters", [GOOD, with_(oscillator_rms=0.02, adc_bits=10, squeezing_db=6.0, antisqueezing_db=6.5)]
)
def test_emulated_samples_and_checks_are_as_expected(parameters):
    """A million samples, 200 000 checks; six standard errors."""
    emission = SQUEEZED.emulate(dataclasses.replace(parameters, p_check=1 / 6), 10**6, 4)
    values, expected = emission.samples.values.astype(float), SQUEEZED.statistics(parameters)
    assert abs(values.mean() - expected.mean) < 6e-3 * math.sqrt(expected.variance)
    assert values.var() == pytest.approx(expected.variance, rel=6 * math.sqrt(2e-6))
    n = int(emission.checks.counts.sum())
    assert abs(n - 2e5) < 6 * math.sqrt(2.4e5)
    codes = np.arange(len(emission.checks.counts))
    shares, p = emission.checks.counts / n, check_probabilities(parameters)
    variance = float(p @ (codes - p @ codes) ** 2)
    assert abs(shares @ codes - p @ codes) < 6 * math.sqrt(variance / n)
    assert shares @ (codes - shares @ codes) ** 2 == pytest.approx(variance, rel=6 * math.sqrt(2 / n))


def emulated_checks(parameters, n=200_000, spread_v=0.0, seed=5):
    """Checks of light that the parameters describe, displaced in p by an Eve who keeps note."""
    rng = np.random.default_rng(seed)
    volts = rng.normal(0.0, math.hypot(parameters.check_rms_v, spread_v), n)
    return QuadratureChecks(np.bincount(parameters.converter.digitise(volts), minlength=256).astype(np.int64))


def test_other_light_than_was_ordered_is_worth_less():
    """The plan is for 3 dB of squeezing; what comes is vacuum, thermal light, or displaced states that Eve knows."""
    n = 200_000 * 99
    ordered = bits(GOOD, emulated_checks(GOOD), n)
    vacuum = bits(GOOD, emulated_checks(with_(squeezing_db=0.0)), n)
    thermal = bits(GOOD, emulated_checks(with_(squeezing_db=0.0), spread_v=0.2), n)
    displaced = bits(GOOD, emulated_checks(GOOD, spread_v=0.5), n)
    assert ordered > vacuum + 0.3 > thermal > displaced
    assert bits(GOOD, emulated_checks(GOOD, spread_v=50.0), n) == 0.0


def test_what_eve_knows_leaves_at_least_the_bound():
    """She sends states displaced in both quadratures by what she notes. What a block of samples then surprises her by
    is the sum of -log2 of the chances she gives the codes that came: never below the bound, in 200 blocks."""
    parameters, rng, n = with_(dark_rms_v=0.0), np.random.default_rng(9), 20_000
    for squeezing_db, spread_v in ((3.0, 0.0), (0.0, 0.1), (3.0, 0.15), (-6.0, 0.02)):
        check_v = math.hypot(0.1 * 10 ** (-squeezing_db / 20.0), spread_v)
        volts = rng.normal(0.0, check_v, 200_000)
        counts = np.bincount(parameters.converter.digitise(volts), minlength=256).astype(np.int64)
        bound = n * bits(parameters, QuadratureChecks(counts), 200_000 * 99)
        known = rng.uniform(-0.3, 0.3, (200, n))
        sd = 0.1 * 10 ** (squeezing_db / 20.0)  # pure: as much wider here as it is narrower there
        codes = parameters.converter.digitise(known + rng.normal(0.0, sd, known.shape))
        edge = (codes - 0.5) * parameters.converter.step_v - parameters.range_v - known
        chance = 0.5 * np.diff(erf(np.stack([edge, edge + parameters.converter.step_v]) / (sd * math.sqrt(2))), axis=0)
        surprise = -np.log2(chance[0]).sum(axis=1)
        assert surprise.min() >= bound


def test_one_first_or_last_code_costs_the_block():
    counts = emulated_checks(GOOD).counts
    assert bits(GOOD, QuadratureChecks(counts, 0)) > 4.0
    assert bits(GOOD, QuadratureChecks(counts, 1)) == 0.0
    assert SQUEEZED.emulate(with_(range_v=0.4), 10_000, 1).checks.saturated > 0


def test_no_checks_and_bad_calibration_certify_nothing():
    assert bits(GOOD, QuadratureChecks(np.zeros(256, np.int64))) == 0.0
    assert bits(with_(calibration_samples=50)) == 0.0
    assert bits(with_(oscillator_rms=0.1)) == 0.0
    assert bits(GOOD, n=1000) == 0.0


def test_choices_are_paid_for():
    one, many = found(GOOD), found(FRAME, n=512)
    h = -0.01 * math.log2(0.01) - 0.99 * math.log2(0.99)
    assert one.spent_bits == pytest.approx(BLOCK / 0.99 * h)
    assert many.spent_bits == pytest.approx(512 / 0.99 * h + 512 * 32 / 2**17)


def test_the_plan_is_fixed_before_the_checks():
    first = plan(FRAME, 1e-3, 512, 205.0)
    assert first is plan(FRAME, 1e-3, 512, 205.0)
    assert 0.0 < first.tilt < 1.0


def test_the_published_rate_is_certified_at_150_million_samples_a_second():
    """580.7 Mbit/s of npj Quantum Information 2024, here net of all choices and against any attack on any source."""
    parameters = dataclasses.replace(FRAME, range_v=0.87, p_check=0.008, oscillator_rms=0.003)
    result = certificate(EntropySource(SQUEEZED, parameters, Extraction(4096, out_bits=2048)))
    assert result.epsilon <= 2.0**-100
    assert result.certified_bits_hz >= 580.7e6


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"adc_bits": 1}, "adc_bits"),
        ({"range_v": 0.0}, "range_v"),
        ({"round_hz": math.inf}, "round_hz"),
        ({"dark_rms_v": 0.1}, "dark_rms_v"),
        ({"calibration_samples": 0}, "calibration_samples"),
        ({"p_check": 0.0}, "p_check"),
        ({"p_check": 0.6}, "p_check"),
        ({"squeezing_db": -1.0}, "squeezing_db"),
        ({"antisqueezing_db": 2.0}, "antisqueezing_db"),
        ({"frame_blocks": 0}, "frame_blocks"),
        ({"frame_blocks": 3}, "frame_blocks"),
        ({"oscillator_rms": -1.0}, "oscillator_rms"),
        ({"misalignment_rad": 1.6}, "misalignment_rad"),
        ({"dnl_lsb": 2.0}, "dnl_lsb"),
    ],
)
def test_bad_parameters_are_named(wrong, named):
    with pytest.raises(ParameterError, match=named):
        with_(**wrong)


def test_bad_checks_are_named():
    with pytest.raises(ParameterError, match="counts"):
        QuadratureChecks(np.array([-1]))
    with pytest.raises(ParameterError, match="counts must be of 256"):
        found(GOOD, QuadratureChecks(np.zeros(10, np.int64)))


def test_the_example_certifies_the_published_rate_and_is_what_the_bench_measures():
    example = read_source(Path(__file__).parents[3] / "examples" / "entropy" / "squeezed.toml")
    assert example == SOURCE
    assert certificate(example).certified_bits_hz >= 580.7e6
