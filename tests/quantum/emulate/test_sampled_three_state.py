"""Sampled light of three states against the expected counts."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from haris.nouns.errors import ParameterError
from haris.quantum.distill.three_state_tally import tally
from haris.quantum.emulate.expected_three_state import outcome_probabilities
from haris.quantum.emulate.sampled_three_state import click_patterns
from haris.quantum.families.three_state import angles_rad, expected_counts
from haris.quantum.link import Link
from haris.quantum.protocols.bb84 import Agreement, DecoyBB84

EXAMPLE = Link.read(Path(__file__).parents[3] / "examples" / "links" / "loss_tolerant_50km.toml")


def near(choice, dead_time_s=0.0, n=20_000_000):
    """The flawed source over 5 km, with many dark counts, so that all cases are met."""
    detector = dataclasses.replace(
        EXAMPLE.detector, choice=choice, p_dark=3e-4, visibility=0.9, dead_time_s=dead_time_s
    )
    return dataclasses.replace(
        EXAMPLE,
        source=dataclasses.replace(EXAMPLE.source, intensities=(0.4, 0.04, 0.0), p_intensities=(0.5, 0.35, 0.15)),
        channel=dataclasses.replace(EXAMPLE.channel, length_m=5e3, misalignment=0.02),
        detector=detector,
        protocol=dataclasses.replace(EXAMPLE.protocol, p_key_basis=0.7, block_pulses=n),
    )


def counted(link, seed=7, eve_fraction=0.0):
    n = link.protocol.block_pulses
    pulses, detections = link.emulate(n, seed, eve_fraction)
    source = link.source
    agreement = Agreement(
        DecoyBB84(link.protocol.p_key_basis, n),
        source.clock_hz,
        source.intensities,
        source.p_intensities,
        link.detector.dead_time_s,
    )
    return tally(pulses, detections, agreement, np.random.default_rng(seed).bytes)


@pytest.mark.parametrize(("choice", "dead_time_s"), [("active", 0.0), ("passive", 0.0), ("active", 2e-8)])
def test_sampled_counts_agree_with_expected_ones(choice, dead_time_s):
    link = near(choice, dead_time_s)
    found, expected = counted(link), expected_counts(link, distance_m=5e3)
    square, n = 0.0, 0
    for name in ("key_errors", "key_clicks", "test_clicks"):
        mean, count = getattr(expected, name).ravel(), getattr(found, name).ravel()
        if name == "key_clicks":  # right ones, which errors do not share
            mean, count = mean - expected.key_errors.ravel(), count - found.key_errors.ravel()
        assert np.all(count > 20)
        square, n = square + np.sum((count - mean) ** 2 / mean), n + mean.size
    assert chi2.sf(square, n) > 1e-4  # a false alarm in 10^4; the seed is fixed
    assert chi2.cdf(square, n) > 1e-4


def test_patterns_are_those_of_the_expected_outcomes():
    for choice in ("active", "passive"):
        link = near(choice)
        args = (link.source, angles_rad(link.source), link.channel, link.detector, 0.7)
        patterns = click_patterns(*args)
        assert patterns.sum(axis=-1) == pytest.approx(np.ones((3, 3)))
        bits = np.arange(16)[:, None] >> np.arange(4) & 1
        by_basis = bits.reshape(16, 2, 2)
        some = by_basis.any(axis=2)
        share = np.zeros((16, 2, 2))
        for pattern in range(1, 16):
            if some[pattern].all():
                share[pattern] = 0.25
            else:
                basis = int(some[pattern, 1])
                share[pattern, basis] = by_basis[pattern, basis] / by_basis[pattern, basis].sum()
        assert np.einsum("kjp,pbo->kjbo", patterns, share) == pytest.approx(outcome_probabilities(*args))


def test_eve_who_resends_shows_in_both_bases():
    link = near("active", n=5_000_000)
    honest, attacked = counted(link), counted(link, eve_fraction=1.0)
    assert honest.qber < 0.05
    assert attacked.qber == pytest.approx(0.25 + honest.qber / 2, abs=0.02)
    plus, minus = attacked.test_clicks[2].sum(axis=-1)
    assert minus / (plus + minus) == pytest.approx(0.25 + 0.035, abs=0.03)


def test_the_same_seed_gives_the_same_light_and_too_much_is_refused():
    link = near("passive", n=100_000)
    light, again, other = (link.emulate(100_000, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(light.time_ps, again.time_ps)
    assert not np.array_equal(light.time_ps, other.time_ps)
    assert link.emulate(0, 1)[1].time_ps.size == 0
    for n in (-1, 2**60):
        with pytest.raises(ParameterError, match=r"^n_pulses must be at least 0"):
            link.emulate(n, 1)
