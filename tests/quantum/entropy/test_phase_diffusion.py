"""Phase diffusion: an adversary who knows all but the newest phase, emulated samples, and bounds that only fall."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.phase_diffusion import (
    PHASE_DIFFUSION,
    PhaseDiffusion,
    arc_probability,
    worst_guess,
)

GOOD = PhaseDiffusion(
    adc_bits=8, range_v=0.6, clock_hz=1e9, amplitude_v=0.4, noise_rms_v=0.01, phase_rms_rad=3.0, intensity_rms=0.01
)
CONTINUOUS = dataclasses.replace(GOOD, phase_rms_rad=None, linewidth_hz=100e6, delay_s=2.5e-9)
EPSILON = 2.0**-101


def bits(parameters, n_samples=500, epsilon=EPSILON):
    return PHASE_DIFFUSION.randomness(parameters, n_samples, epsilon, None).min_entropy_per_sample


def with_(**changes):
    return dataclasses.replace(GOOD, **changes)


@st.composite
def valid(draw):
    amplitude = draw(st.floats(1e-6, 1e3))
    phase = draw(
        st.one_of(
            st.builds(lambda rad: {"phase_rms_rad": rad}, st.floats(0.01, 1000.0)),
            st.builds(lambda w, d: {"linewidth_hz": w, "delay_s": d}, st.floats(1e6, 1e9), st.floats(1e-11, 1e-6)),
        )
    )
    try:
        return PhaseDiffusion(
            draw(st.integers(1, 10)),
            amplitude * draw(st.floats(0.9, 20.0)),
            1e9,
            amplitude,
            amplitude * draw(st.floats(0.0, 0.7)),
            intensity_rms=draw(st.floats(0.0, 0.5)),
            offset_v=amplitude * draw(st.floats(-0.1, 0.1)),
            bias_rad=draw(st.floats(-4.0, 4.0)),
            dnl_lsb=draw(st.floats(0.0, 0.99)),
            **phase,
        )
    except ParameterError as error:
        assume("clipped" not in str(error) and "turn the phase" not in str(error))
        raise


@settings(max_examples=300)
@given(valid(), st.integers(1, 10**9), st.sampled_from([2.0**-101, 2.0**-300, 2.0**-901]))
def test_every_valid_source_has_a_bound(parameters, n_samples, epsilon):
    found = PHASE_DIFFUSION.randomness(parameters, n_samples, epsilon, None)
    assert 0.0 <= found.min_entropy_per_sample <= parameters.bits
    assert found.epsilon <= epsilon
    assert not any(np.isnan(t.value) for t in found.terms)


@pytest.mark.parametrize(
    ("good", "worse"),
    [
        (GOOD, {"noise_rms_v": 0.02}),
        (GOOD, {"intensity_rms": 0.04}),
        (GOOD, {"phase_rms_rad": 1.0}),
        (GOOD, {"offset_v": 0.13}),
        (GOOD, {"dnl_lsb": 0.3}),
        (GOOD, {"range_v": 0.5}),
        (GOOD, {"range_v": 2.0}),
        (GOOD, {"adc_bits": 7}),
        (CONTINUOUS, {"linewidth_hz": 30e6}),
        (CONTINUOUS, {"clock_hz": 3e9}),
        (CONTINUOUS, {"delay_s": 0.4e-9}),
    ],
)
def test_what_is_worse_gives_less(good, worse):
    assert bits(dataclasses.replace(good, **worse)) < bits(good) - 0.005


def test_classical_phase_is_worth_nothing():
    assert bits(with_(classical_phase_rad=2.0)) == bits(GOOD)


def test_a_delay_beyond_a_sample_shows_nothing_new():
    assert bits(CONTINUOUS) == pytest.approx(bits(dataclasses.replace(CONTINUOUS, delay_s=1e-9)))


@given(st.floats(0.001, 3.2), st.floats(0.05, 9.0))
def test_an_arc_is_an_integral_of_the_wrapped_density(half, rad):
    angle = np.linspace(-half, half, 20001)
    turns = 2 * np.pi * np.arange(-12, 13)
    density = norm.pdf(angle[:, None] + turns, 0.0, rad).sum(axis=1)
    wanted = np.trapezoid(density, angle) if half < np.pi else 1.0
    assert arc_probability(half, rad) == pytest.approx(min(1.0, wanted), rel=1e-5)


@pytest.mark.parametrize("rad", [0.1, 0.7, 2.5])
@pytest.mark.parametrize("width", [0.02, 0.3, 1.2])
def test_no_phase_and_no_place_of_a_code_beat_the_arc_and_one_attains_it(rad, width):
    """Every window of that width over the fringe, every expected phase; an amplitude of 1."""
    turns = 2 * np.pi * np.arange(-8, 9)
    arc = arc_probability(math.acos(1 - width), rad)
    best = 0.0
    for low in np.linspace(-1.0, 1.0 - width, 41):
        inner, outer = math.acos(min(1.0, low + width)), math.acos(max(-1.0, low))
        for expected in np.linspace(0.0, np.pi, 61):
            upper, lower = np.array([[outer], [-inner]]), np.array([[inner], [-outer]])
            arcs = norm.cdf(upper, expected + turns, rad) - norm.cdf(lower, expected + turns, rad)
            best = max(best, arcs.sum())
    assert best <= arc * (1 + 1e-9)
    assert best == pytest.approx(arc, rel=1e-6)


@pytest.mark.parametrize(
    "parameters",
    [
        with_(adc_bits=5, phase_rms_rad=1.0),
        with_(adc_bits=4, noise_rms_v=0.02, dnl_lsb=0.4),
        with_(adc_bits=4, range_v=0.35, phase_rms_rad=0.6),
        dataclasses.replace(CONTINUOUS, adc_bits=4),
    ],
)
def test_who_knows_everything_else_guesses_no_better(parameters):
    """She gets all noise and, before each sample, the phase that is expected of it, and drives it to the fringe's ends.

    100 000 guesses; six standard errors: a false alarm in 1e9.
    """
    rng, n = np.random.default_rng(8), 100_000
    sure = parameters.amplitude_v * (1 + parameters.intensity_rms * rng.standard_normal(n))
    noise = parameters.offset_v + parameters.noise_rms_v * rng.standard_normal(n)
    expected = rng.choice([0.0, 0.3, np.pi], n)
    phase = expected + parameters.new_phase_rad * rng.standard_normal(n)
    codes = parameters.converter.digitise(sure * np.cos(phase) + noise)
    edges = np.concatenate([[-np.inf], parameters.converter.thresholds_v(), [np.inf]])
    turns = 2 * np.pi * np.arange(-3, 4)
    best = np.empty(n, int)
    for first in range(0, n, 10_000):
        part = slice(first, first + 10_000)
        angles = np.arccos(np.clip((edges - noise[part, None]) / sure[part, None], -1, 1))
        about = expected[part, None, None] + turns
        upper = norm.cdf(angles[..., None], about, parameters.new_phase_rad).sum(axis=-1)
        lower = norm.cdf(-angles[..., None], about, parameters.new_phase_rad).sum(axis=-1)
        best[part] = np.argmax(upper[:, :-1] - upper[:, 1:] + lower[:, 1:] - lower[:, :-1], axis=1)
    hits = np.mean(codes == best)
    allowed = worst_guess(parameters, 6.0)
    assert hits <= allowed + 6 * math.sqrt(allowed / n)
    assert hits > 0.2 * allowed


@pytest.mark.parametrize(
    "parameters",
    [
        GOOD,
        CONTINUOUS,
        dataclasses.replace(CONTINUOUS, delay_s=3.4e-9, linewidth_hz=20e6, bias_rad=1.0, intensity_rms=0.05),
        with_(phase_rms_rad=0.4, bias_rad=0.5, adc_bits=10, offset_v=0.05),
        dataclasses.replace(CONTINUOUS, delay_s=0.3e-9),
        dataclasses.replace(CONTINUOUS, linewidth_hz=10e6, classical_phase_rad=0.5, bias_rad=1.2),
        with_(phase_rms_rad=0.3, classical_phase_rad=0.6, bias_rad=2.8),
        dataclasses.replace(CONTINUOUS, adc_bits=3, delay_s=4e-9, linewidth_hz=20e6, dnl_lsb=0.4, offset_v=0.1),
    ],
)
def test_emulated_samples_have_the_statistics(parameters):
    """Six standard errors of a million samples, whose neighbours may be alike over four of them."""
    n = 1_000_000
    codes = PHASE_DIFFUSION.emulate(parameters, n, 4).samples.values.astype(float)
    wanted = PHASE_DIFFUSION.statistics(parameters)
    counts = 6 * math.sqrt(8 / n)
    assert codes.mean() == pytest.approx(wanted.mean, abs=counts * math.sqrt(wanted.variance))
    assert codes.var() == pytest.approx(wanted.variance, rel=counts)
    ends = np.mean((codes == 0) | (codes == 2**parameters.bits - 1))
    assert ends == pytest.approx(wanted.p_saturated, abs=counts * math.sqrt(wanted.p_saturated + 1e-9) + 2 / n)
    codes -= wanted.mean
    for lag in range(1, 6):
        expected = wanted.autocorrelation[lag - 1] if lag <= len(wanted.autocorrelation) else 0.0
        assert np.mean(codes[lag:] * codes[:-lag]) / wanted.variance == pytest.approx(expected, abs=counts)


def test_chunks_join_without_a_seam():
    parameters = dataclasses.replace(CONTINUOUS, adc_bits=10, delay_s=50e-9, linewidth_hz=1e6, noise_rms_v=0.0)
    codes = PHASE_DIFFUSION.emulate(parameters, 2**16 + 1000, 4).samples.values.astype(float)
    steps = np.abs(np.diff(codes))
    assert steps[2**16 - 5 : 2**16 + 5].max() < 6 * np.sqrt(np.mean(steps**2))


def test_a_seed_repeats_its_samples():
    first, again, other = (PHASE_DIFFUSION.emulate(CONTINUOUS, 3000, seed).samples.values for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("noise_rms_v", {"noise_rms_v": 0.3}),
        ("range_v", {"range_v": 0.1}),
        ("intensity_rms", {"intensity_rms": 1.0}),
        ("phase_rms_rad", {"phase_rms_rad": 1e-3}),
        ("phase_rms_rad", {"phase_rms_rad": float("nan")}),
        ("phase_rms_rad", {"linewidth_hz": 1e6}),
        ("linewidth_hz", {"phase_rms_rad": None}),
        ("delay_s", {"phase_rms_rad": None, "linewidth_hz": 1e6}),
        ("linewidth_hz", {"phase_rms_rad": None, "linewidth_hz": 1.0, "delay_s": 1e-9}),
        ("delay_s", {"phase_rms_rad": None, "linewidth_hz": 1e6, "delay_s": 1e-30}),
        ("clock_hz", {"clock_hz": 1e-20}),
        ("range_v", {"range_v": 1e-200}),
        ("delay_s", {"phase_rms_rad": None, "linewidth_hz": 1e6, "delay_s": 1e-4}),
        ("offset_v", {"offset_v": -0.7}),
        ("bias_rad", {"bias_rad": 1e3}),
        ("classical_phase_rad", {"classical_phase_rad": -0.1}),
        ("classical_phase_rad", {"classical_phase_rad": 1e9}),
        ("adc_bits", {"adc_bits": 0}),
        ("dnl_lsb", {"dnl_lsb": 1.0}),
        ("amplitude_v", {"amplitude_v": 0.0}),
    ],
)
def test_what_is_impossible_is_refused_by_name(name, wrong):
    with pytest.raises(ParameterError, match=f"^{name} "):
        with_(**wrong)


def test_a_larger_fringe_is_guessed_better_and_the_proof_does_not_claim_it():
    parameters = with_(range_v=1.0, amplitude_v=0.5)
    device = dataclasses.replace(parameters, amplitude_v=1.3)
    codes = PHASE_DIFFUSION.emulate(device, 100_000, 3).samples.values
    assert -math.log2(np.bincount(codes).max() / len(codes)) < bits(parameters)
    assert any("amplitude_v and offset_v are the device's own" in each for each in PHASE_DIFFUSION.proof.assumptions)


@pytest.mark.parametrize("changes", [{}, {"noise_rms_v": 0.0}, {"range_v": 0.3, "noise_rms_v": 0.1}])
def test_the_statistics_are_means_around_the_circle(changes):
    """Summed here over every angle and threshold: of 16 bits that would be seconds."""
    parameters = with_(adc_bits=6, phase_rms_rad=0.7, **changes)
    angle = np.linspace(-np.pi, np.pi, 4096, endpoint=False)
    weight = sum(np.exp(-0.5 * ((angle + turn) / 0.7) ** 2) for turn in 2 * np.pi * np.arange(-3, 4))
    volts = 0.4 * np.cos(parameters.bias_rad + angle)
    spread = np.maximum(np.hypot(parameters.noise_rms_v, 0.01 * volts), 4e-13)
    above = norm.cdf((volts - parameters.converter.thresholds_v()[:, None]) / spread) @ (weight / weight.sum())
    shares = -np.diff([1.0, *above, 0.0])
    found = PHASE_DIFFUSION.statistics(parameters)
    codes = np.arange(64)
    assert found.mean == pytest.approx(shares @ codes, rel=1e-9)
    assert found.variance == pytest.approx(shares @ (codes - found.mean) ** 2, rel=1e-8)
    assert found.p_saturated == pytest.approx(shares[0] + shares[-1], abs=1e-12)
    assert found.p_ones[0] == pytest.approx(shares[1::2].sum(), rel=1e-6)


def test_the_statistics_of_sixteen_bits_are_those_of_fewer():
    fine, coarse = (PHASE_DIFFUSION.statistics(with_(adc_bits=bits)) for bits in (16, 10))
    assert fine.mean / 64 == pytest.approx(coarse.mean, rel=1e-6)
    assert fine.variance / 64**2 == pytest.approx(coarse.variance, rel=1e-3)
