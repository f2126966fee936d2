"""Measurement-device-independent random numbers: the bound, devices that cheat, and what comes of bad input."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from haris.nouns.errors import ParameterError
from haris.quantum.entropy import mdi_qrng
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.dead_time import DeadTime
from haris.quantum.entropy.mdi_qrng import MdiQrng, emulate, emulate_device, randomness
from haris.quantum.entropy.mdi_rounds import TestCounts
from haris.quantum.entropy.sources import read_source

EPSILON = 2.0**-101
GOOD = MdiQrng(pulse_hz=125e6, mean_photons=0.5, p_test=1e-3, efficiency=0.9, p_dark=1e-7, p_flip=2e-3)


def measured(angle):
    """Probability of a 1 for one photon in each state, of a measurement at that angle from the superposition's."""
    return np.array([1 + math.cos(angle), 1 + math.sin(angle), 1 - math.sin(angle)]) / 2


def tilted(angle, share=1.0, rest=0):
    """A share of rounds, known to the adversary, is measured at an angle; the others give `rest`. Many photons obey."""

    def device(rng, states, photons):
        p = measured(angle)[states]
        many = np.where(states == mdi_qrng.LATE, 0.0, 1.0)  # what tests would like best
        p = np.where(photons == 1, p, np.where(photons == 0, 0.0, many))
        watched = rng.random(len(states)) < share
        return np.where(watched, rng.random(len(states)) < p, rest).astype(np.uint8)

    return device


def test_no_device_beats_the_scores():
    """The sum that defines scores, of devices drawn at random: measurements inside the sphere, any of the rest."""
    rng = np.random.default_rng(1)
    for parameters, n in ((GOOD, 10**8), (MdiQrng(1e8, 1.5, 0.1, 0.5, 1e-3, 0.05), 10**6)):
        chosen = mdi_qrng.scores(parameters, n, EPSILON)
        kinds = mdi_qrng.behaviours(parameters.mean_photons)
        factors = 2.0**chosen.log2_factors
        m = 20_000
        a = np.where(rng.random(m) < 0.5, rng.random(m), 0.5)
        axis = rng.normal(size=(m, 3))
        length = np.minimum(a, 1 - a) * np.where(rng.random(m) < 0.3, rng.random(m), 1.0)
        axis *= (length / np.linalg.norm(axis, axis=1))[:, None]
        one = np.stack([a + axis[:, 0], a + axis[:, 2], a - axis[:, 2]], axis=1)
        none = np.repeat(rng.integers(0, 2, (m, 1)), 3, axis=1).astype(float)
        many = rng.integers(0, 2, (m, 3)).astype(float)
        sums = np.zeros(m)
        for weight, sigma in zip(kinds.weights, (none, one, many), strict=True):
            pair = np.clip(np.stack([1 - sigma, sigma], axis=2), 0.0, 1.0)
            sums += weight * (np.sum(factors * pair ** (1 + chosen.power), axis=2) @ parameters.p_states)
        assert sums.max() <= 1.0
        assert sums.max() > 1.0 - chosen.power  # and they are not far from what is allowed


def test_scores_that_follow_from_earlier_rounds_are_beaten_by_no_device_with_memory():
    """The same sum over whole strings of five rounds, of which a round after a 1 is not scored."""
    parameters = MdiQrng(1e8, 1.0, 0.3, 0.9, 0.0, 0.01, dead_time_s=15e-9)
    assert parameters.blind_rounds == 1
    chosen = mdi_qrng.scores(parameters, 10**4, EPSILON)
    factors, kinds = 2.0**chosen.log2_factors, mdi_qrng.behaviours(parameters.mean_photons)

    def worst(length, last):
        """The greatest sum of those that some devices reach, each round the best of many for what may follow."""
        if length == 0:
            return 1.0
        after = np.array([worst(length - 1, 0), worst(length - 1, 1)])
        scored = np.ones((3, 2)) if last else factors
        total = 0.0
        for weight, sigma in zip(kinds.weights, kinds.extremes(180), strict=True):
            pair = np.clip(np.stack([1 - sigma, sigma], axis=2), 0.0, 1.0)
            found = np.sum(scored * after * pair ** (1 + chosen.power), axis=2) @ parameters.p_states
            total += weight * found.max()
        return total

    assert 1.0 - chosen.power < worst(5, 0) <= 1.0


def test_long_blocks_reach_what_a_linear_programme_says_eve_must_leave():
    """In the limit: the least average entropy of the bit over mixtures of devices that look like the expected one."""
    angles = 2 * math.pi * np.arange(720) / 720
    kinds = mdi_qrng.behaviours(GOOD.mean_photons)
    corners = [np.zeros((2, 3)) + np.array([[0.0], [1.0]]), None, kinds.corners[2]]
    corners[1] = np.vstack([corners[0], [measured(t) for t in angles]])
    cost, looks, blocks = [], [], []
    for k, sigma in enumerate(corners):
        h = -np.nan_to_num(sigma * np.log2(sigma, where=sigma > 0, out=np.zeros_like(sigma)))
        rest = 1 - sigma
        h = h - np.nan_to_num(rest * np.log2(rest, where=rest > 0, out=np.zeros_like(rest)))
        cost.append(kinds.weights[k] * (h @ GOOD.p_states))
        looks.append(kinds.weights[k] * sigma)
        blocks.append(np.full(len(sigma), k))
    kind = np.concatenate(blocks)
    same = np.vstack([np.concatenate(looks).T, np.array([kind == k for k in range(3)], float)])
    found = linprog(np.concatenate(cost), A_eq=same, b_eq=np.concatenate([GOOD.expected, np.ones(3)]))
    assert found.success
    long = randomness(GOOD, 10**13, EPSILON).min_entropy_per_sample
    assert 0.98 * found.fun < long < found.fun
    assert randomness(GOOD, 10**8, EPSILON).min_entropy_per_sample < long


def test_emulated_blocks_certify_what_is_planned():
    n = 4_000_000
    parameters = MdiQrng(1e8, 0.5, 0.02, 0.9, 1e-6, 1e-3)
    planned = randomness(parameters, n, EPSILON)
    for seed in range(3):
        emission = emulate(parameters, n, seed)
        counts = np.array(emission.checks.counted(1, 0).counts)
        assert counts.sum() == n
        assert abs(int(emission.samples.values.sum()) - counts[:, 1].sum()) == 0
        expected = n * parameters.p_states * parameters.expected
        assert np.all(np.abs(counts[:, 1] - expected) < 6 * np.sqrt(expected + 1))
        measured_ = randomness(parameters, n, EPSILON, emission.checks)
        assert measured_.min_entropy_bits == pytest.approx(planned.min_entropy_bits, rel=0.05)


@pytest.mark.parametrize(("detectors", "dead_time_s", "blind"), [(1, 25e-9, 2), (2, 30e-9, 1), (3, 30e-9, 0)])
def test_blind_detectors_certify_what_is_planned(detectors, dead_time_s, blind):
    n = 2_000_000
    parameters = MdiQrng(1e8, 0.5, 0.02, 0.9, 1e-6, 1e-3, dead_time_s, detectors)
    assert parameters.blind_rounds == blind
    emission = emulate(parameters, n, 1)
    statistics = mdi_qrng.statistics(parameters)
    bits = emission.samples.values - statistics.mean
    assert abs(bits.mean()) < 6 * math.sqrt(statistics.variance / n)
    for lag, expected in enumerate(statistics.autocorrelation[:12], 1):
        assert np.mean(bits[lag:] * bits[:-lag]) / statistics.variance == pytest.approx(expected, abs=6 / math.sqrt(n))
    assert (blind > 0) == bool(statistics.autocorrelation)
    counts = emission.checks.counted(detectors, blind)
    assert counts.n_rounds == n
    assert 1 - counts.n_unscored / n == pytest.approx(parameters.scored, abs=0.003)
    planned = randomness(parameters, n, EPSILON).min_entropy_bits
    found = randomness(parameters, n, EPSILON, emission.checks).min_entropy_bits
    assert found == pytest.approx(planned, rel=0.08)
    if blind:  # who leaves no round out certifies less
        unaware = MdiQrng(1e8, 0.5, 0.02, 0.9, 1e-6, 1e-3)
        assert randomness(unaware, n, EPSILON, emission.checks).min_entropy_bits < 0.95 * found


@pytest.mark.parametrize("rest", [0, 1])
@pytest.mark.parametrize("share", [1.0, 0.9])
@pytest.mark.parametrize("angle", [math.pi / 2, 1.5, 1.4, 1.2])
def test_an_adversary_who_knows_the_device_never_finds_less_than_certified(angle, share, rest):
    """He knows which rounds are watched, the photon numbers, and the angle: what he misses is all there is."""
    n = 2_000_000
    parameters = MdiQrng(1e8, 0.5, 0.02, 0.9, 1e-6, 1e-3)
    emission = emulate_device(parameters, n, 7, tilted(angle, share, rest))
    certified = randomness(parameters, n, EPSILON, emission.checks).min_entropy_bits
    one = mdi_qrng.behaviours(0.5).weights[1]
    sigma = measured(angle)
    entropy = -sum(p * np.log2(np.maximum(p, 1e-300)) for p in (sigma, 1 - sigma))
    misses = n * share * one * float(parameters.p_states @ entropy)  # what smooth min-entropy of many rounds comes to
    assert certified < misses
    assert angle < 1.45 or share < 1.0 or certified > 0.7 * misses


@pytest.mark.parametrize(("angle", "kept"), [(math.pi / 2, 0.6), (1.4, 0.0)])
def test_an_adversary_who_knows_when_detectors_are_blind_never_finds_less_than_certified(angle, kept):
    """He knows which rounds those are, and all that the adversary of the last test knows."""
    n = 2_000_000
    parameters = MdiQrng(1e8, 0.5, 0.02, 0.9, 1e-6, 1e-3, dead_time_s=25e-9, detectors=2)
    would, dead_time = tilted(angle), DeadTime(2, parameters.blind_rounds)

    def device(rng, states, photons):
        return dead_time.clicks(would(rng, states, photons) > 0).astype(np.uint8)

    emission = emulate_device(parameters, n, 7, device)
    certified = randomness(parameters, n, EPSILON, emission.checks).min_entropy_bits
    sigma = measured(angle)
    entropy = -sum(p * np.log2(np.maximum(p, 1e-300)) for p in (sigma, 1 - sigma))
    awake = n - emission.checks.counted(2, 1).n_unscored
    misses = awake * mdi_qrng.behaviours(0.5).weights[1] * float(parameters.p_states @ entropy)
    assert parameters.blind_rounds == 1
    assert kept * misses < certified < misses or certified == kept == 0.0


def test_the_example_nets_more_than_23_mbit_a_second():
    example = read_source(Path(__file__).parents[3] / "examples" / "entropy" / "mdi.toml")
    assert example.extraction.epsilon <= 2.0**-100
    assert certificate(example).certified_bits_hz > 23.2e6
    assert example.parameters.dead_time_s == 40e-9


def test_a_detector_of_30_ns_nets_more_than_23_mbit_a_second_with_one_other():
    pulses = MdiQrng(125e6, 0.8, 1e-3, 0.9, 1e-7, 2e-3, dead_time_s=30e-9, detectors=2)
    assert pulses.blind_rounds == 1
    block = randomness(pulses, 2**25, EPSILON)
    assert (block.min_entropy_bits - block.spent_bits - 202) / 2**25 * pulses.clock_hz > 23e6


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-9, 1),
    st.floats(-9, math.log10(0.5)),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 0.5),
    st.integers(0, 12),
)
def test_any_parameters_give_some_bits_or_none(mean, test, efficiency, dark, flip, size):
    parameters = MdiQrng(1e8, 10.0**mean, 10.0**test, efficiency, dark, flip)
    n = 10**size
    found = randomness(parameters, n, EPSILON)
    assert 0.0 <= found.min_entropy_bits <= n
    assert math.isfinite(found.spent_bits)
    assert all(np.isfinite(t.value).all() for t in found.terms)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pulse_hz", 0.0),
        ("mean_photons", 0.0),
        ("mean_photons", math.nan),
        ("p_test", 0.0),
        ("p_test", 0.6),
        ("efficiency", 1.1),
        ("p_dark", -0.1),
        ("p_flip", 0.6),
        ("dead_time_s", -1e-9),
        ("dead_time_s", 1e-6),
        ("detectors", 0),
    ],
)
def test_bad_parameters_are_named(field, value):
    given_ = {"pulse_hz": 1e8, "mean_photons": 0.5, "p_test": 0.01, "efficiency": 0.9, field: value}
    with pytest.raises(ParameterError, match=field):
        MdiQrng(**given_)


def test_counts_of_another_block_are_refused():
    with pytest.raises(ParameterError, match="checks must be of 100 rounds, got 6"):
        randomness(GOOD, 100, EPSILON, TestCounts(((1, 1), (1, 1), (1, 1))))
    with pytest.raises(ParameterError, match="counts"):
        TestCounts(((1, 1), (1, -1), (1, 1)))
    with pytest.raises(ParameterError, match="n_unscored"):
        TestCounts(((1, 1), (1, 1), (1, 1)), -1)


def test_a_detector_without_flaws_has_scores():
    """What it never answers is expected with frequency 0: no score is lost in 0 / 0, no other is worse."""
    perfect, good = (MdiQrng(1e6, 0.5, 0.005, 1.0, p_dark) for p_dark in (0.0, 1e-9))
    wanted, found = (randomness(each, 1_000_000, 2.0**-101).min_entropy_bits for each in (good, perfect))
    assert found == pytest.approx(wanted, rel=1e-3)
