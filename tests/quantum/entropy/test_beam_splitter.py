"""A beam splitter: photons that are followed one by one, and an adversary who knows all but their way."""

import dataclasses
import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.beam_splitter import BEAM_SPLITTER, BeamSplitter, event_guess

GOOD = BeamSplitter(
    pulse_hz=4e6,
    mean_photons=0.8,
    efficiency_0=0.7,
    efficiency_1=0.75,
    p_dark=1e-4,
    p_afterpulse=0.01,
    dead_time_s=1e-6,
)
EPSILON = 2.0**-101


def bits(parameters):
    return BEAM_SPLITTER.randomness(parameters, 4096, EPSILON, None).min_entropy_per_sample


def with_(**changes):
    return dataclasses.replace(GOOD, **changes)


VALID = st.builds(
    lambda hz, mean, t, e0, e1, dark, after, dead, known: BeamSplitter(
        hz, mean, t, e0, e1, 0.9 * dark * -math.expm1(-mean * min((1 - t) * e0, t * e1)), after, dead, known
    ),
    st.floats(1.0, 1e12),
    st.floats(1e-9, 5.0),
    st.floats(1e-6, 1.0 - 1e-6),
    st.floats(1e-6, 1.0),
    st.floats(1e-6, 1.0),
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.5),
    st.floats(0.0, 1e3),
    st.booleans(),
)


@settings(max_examples=300)
@given(VALID, st.integers(1, 10**9))
def test_every_valid_source_has_a_bound(parameters, n_samples):
    found = BEAM_SPLITTER.randomness(parameters, n_samples, EPSILON, None)
    assert 0.0 <= found.min_entropy_per_sample <= 1.0
    assert not any(np.isnan(t.value) for t in found.terms)
    assert parameters.clock_hz >= 0.0


@settings(max_examples=60)
@given(VALID)
def test_no_state_of_the_detectors_tells_more_than_the_worst(parameters):
    worst = max(event_guess(parameters, a, b) for a, b in itertools.product((0.0, parameters.p_afterpulse), repeat=2))
    for a, b in itertools.product(np.linspace(0.0, parameters.p_afterpulse, 4), repeat=2):
        assert event_guess(parameters, a, b) <= worst * (1 + 1e-9)


def test_what_is_known_to_the_device_is_no_more_than_what_is_not():
    """Nobody who knows less guesses better: the likelier bit after the last one is within the bound."""
    for parameters in (GOOD, with_(loss_known=False), with_(transmittance=0.3), with_(p_afterpulse=0.2)):
        found = {t.name: float(t.value) for t in BEAM_SPLITTER.randomness(parameters, 1, EPSILON, None).terms}
        assert found["bits a sample"] <= found["Markov bits"]


@pytest.mark.parametrize(
    "worse",
    [
        {"transmittance": 0.6},
        {"transmittance": 0.4},
        {"efficiency_0": 0.5},
        {"p_dark": 0.01},
        {"p_afterpulse": 0.05},
        {"mean_photons": 2.0},
    ],
)
def test_what_is_worse_gives_less(worse):
    assert bits(with_(**worse)) < bits(GOOD) - 1e-4


def test_single_photons_and_perfect_detectors_give_a_bit():
    perfect = BeamSplitter(pulse_hz=1e6, mean_photons=1e-4)
    assert bits(perfect) == pytest.approx(1.0, abs=1e-4)
    assert bits(dataclasses.replace(perfect, transmittance=0.3)) == pytest.approx(-math.log2(0.7), abs=1e-4)


def test_a_known_loss_leaves_one_detector_to_guess():
    """Of single photons, those that either detector sees are a share of the efficiency; the rest's bit is known."""
    single = BeamSplitter(pulse_hz=1e6, mean_photons=1e-5, efficiency_0=0.25, efficiency_1=0.25)
    assert bits(single) == pytest.approx(-math.log2(1 - 0.25 / 2), abs=1e-4)
    assert bits(dataclasses.replace(single, loss_known=False)) == pytest.approx(1.0, abs=1e-4)


@functools.cache
def likelier(photons, dark_0, dark_1, t):
    """The likelier bit of an event by following each photon both ways. photons: (seen by 0, seen by 1) of each."""
    found = [0.0, 0.0]
    for ways in itertools.product((0, 1), repeat=len(photons)):
        p = math.prod(t if way else 1 - t for way in ways)
        clicks = [dark_0, dark_1]
        for way, seen in zip(ways, photons, strict=True):
            clicks[way] = clicks[way] or seen[way]
        if clicks[0] != clicks[1]:
            found[clicks[1]] += p
    return found.index(max(found))


@pytest.mark.parametrize("parameters", [GOOD, with_(transmittance=0.6, p_afterpulse=0.1, p_dark=0.02)])
def test_who_knows_all_but_the_way_guesses_no_better(parameters):
    """200 000 pulses, photon by photon, with after-pulses; six standard errors: a false alarm in 1e9."""
    rng, n = np.random.default_rng(4), 200_000
    counts = np.minimum(rng.poisson(parameters.mean_photons, n), 8)
    last, hits, events, previous = (False, False), 0, [], None
    joint = np.zeros((2, 2))
    for count in counts:
        clicks = [rng.random() < parameters.p_dark or (a and rng.random() < parameters.p_afterpulse) for a in last]
        draws = rng.random((count, 3))
        photons = tuple(
            sorted((d[0] < parameters.efficiency_0, d[1] < parameters.efficiency_1) for d in draws.tolist())
        )
        guess = likelier(photons, *clicks, parameters.transmittance)
        ways = rng.random(count) < parameters.transmittance
        for way, seen in zip(ways.tolist(), photons, strict=True):
            clicks[way] = clicks[way] or seen[way]
        last = tuple(clicks)
        if clicks[0] != clicks[1]:
            hits += guess == clicks[1]
            events.append(clicks[1])
            if previous is not None:
                joint[previous, int(clicks[1])] += 1
            previous = int(clicks[1])
    allowed = 2.0 ** -bits(parameters)
    share = hits / len(events)
    error = 6 * math.sqrt(allowed * (1 - allowed) / len(events))
    assert share <= allowed + error
    assert share == pytest.approx(event_guess(parameters, 0.0, 0.0), abs=error + 3 * parameters.p_afterpulse)
    wanted = BEAM_SPLITTER.statistics(parameters)
    assert np.mean(events) == pytest.approx(wanted.mean, abs=3 / math.sqrt(len(events)))
    found = np.cov(events[1:], events[:-1])[0, 1] / wanted.variance
    assert found == pytest.approx(wanted.autocorrelation[0], abs=6 / math.sqrt(len(events)))
    held_free = dataclasses.replace(parameters, dead_time_s=0.0)
    assert len(events) / n == pytest.approx(held_free.clock_hz / parameters.pulse_hz, rel=0.05)


@pytest.mark.parametrize("parameters", [GOOD, with_(transmittance=0.3, p_afterpulse=0.4), with_(p_afterpulse=0.0)])
def test_emulated_samples_have_the_statistics(parameters):
    """Six standard errors of a million bits."""
    n = 1_000_000
    found = BEAM_SPLITTER.emulate(parameters, n, 4).samples.values.astype(float)
    wanted = BEAM_SPLITTER.statistics(parameters)
    assert found.mean() == pytest.approx(wanted.mean, abs=6 * math.sqrt(3 * wanted.variance / n))
    found -= wanted.mean
    for lag in range(1, 5):
        expected = wanted.autocorrelation[lag - 1] if lag <= len(wanted.autocorrelation) else 0.0
        assert np.mean(found[lag:] * found[:-lag]) / wanted.variance == pytest.approx(
            expected, abs=6 * math.sqrt(3 / n)
        )


def test_dead_time_costs_events_and_no_bits():
    assert with_(dead_time_s=10e-6).clock_hz < 0.3 * GOOD.clock_hz
    assert bits(with_(dead_time_s=10e-6)) == bits(GOOD)


def test_a_seed_repeats_its_samples():
    first, again, other = (BEAM_SPLITTER.emulate(GOOD, 3000, seed).samples.values for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"p_dark": 0.4},
        {"p_dark": float("nan")},
        {"mean_photons": 6.0},
        {"mean_photons": 0.0},
        {"transmittance": 1.0},
        {"transmittance": 0.0},
        {"efficiency_1": 0.0},
        {"efficiency_0": 1.1},
        {"p_afterpulse": 0.6},
        {"dead_time_s": -1.0},
        {"pulse_hz": float("inf")},
    ],
)
def test_what_is_impossible_is_refused_by_name(wrong):
    with pytest.raises(ParameterError, match=f"^{next(iter(wrong))} "):
        with_(**wrong)
