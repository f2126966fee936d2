"""Fading beside scipy's normal less exponential distribution, sampled light, and the closed form of scintillation."""

import numpy as np
import pytest
from scipy.stats import exponnorm, norm

from haris.quantum.optics.free_space.fading import Fading

CASES = [(0.2, 3.0), (0.05, 0.5), (0.5, 20.0), (1e-4, 1e3), (1.0, 0.3)]


@pytest.mark.parametrize(("variance", "square"), CASES)
def test_p_below_and_quantile_beside_scipy(variance, square):
    sigma = np.sqrt(variance)
    middle = np.log1p(1.0 / square) - variance / 2.0
    of = Fading(np.array(variance), np.array(square))
    for p in (1e-3, 0.01, 0.1, 0.5, 0.9):
        level = of.quantile(p)
        assert exponnorm(1.0 / (square * sigma), loc=-middle, scale=sigma).sf(-np.log(level)) == pytest.approx(p)
        assert of.p_below(level) == pytest.approx(p)
        assert of.margin_db(p) == pytest.approx(-10.0 * np.log10(level))


def test_the_sign_of_a_scintillation_quantile():
    # Log-normal of mean 1: both terms lower it for p < 1/2; light above its mean 99 % of the time is made of nothing.
    of = Fading(np.array(0.2), np.array(np.inf))
    for p in (0.01, 0.1, 0.5):
        assert of.quantile(p) == pytest.approx(np.exp(np.sqrt(0.2) * norm.ppf(p) - 0.1))
        assert of.quantile(p) < 1.0
    rng = np.random.default_rng(3)
    light = np.exp(rng.normal(-0.1, np.sqrt(0.2), 400_000))
    assert of.quantile(0.01) == pytest.approx(np.quantile(light, 0.01), rel=0.01)


@pytest.mark.parametrize("square", [1e8, 1e10, 1e12, 1e20, 1e75, 1e280])
def test_a_beam_that_hardly_moves_fades_as_one_that_does_not(square):
    for variance in (0.2, 0.006, 1e-9):
        still, moved = Fading(np.array(variance), np.array(np.inf)), Fading(np.array(variance), np.array(square))
        for p in (1e-6, 0.01, 0.5, 0.99):
            assert moved.quantile(p) == pytest.approx(still.quantile(p), rel=1e-6)
            assert moved.p_below(still.quantile(p)) == pytest.approx(p, rel=0.01)


def test_both_causes_beside_sampled_light():
    # 400,000 samples of mean 1: each probability within 5 deviations (false alarm 6e-7).
    rng = np.random.default_rng(5)
    variance, square = 0.3, 2.0
    light = np.exp(rng.normal(-variance / 2.0, np.sqrt(variance), 400_000)) * rng.random(400_000) ** (1.0 / square)
    light *= (1.0 + square) / square
    assert light.mean() == pytest.approx(1.0, abs=0.01)
    of = Fading(np.array(variance), np.array(square))
    for level in (0.05, 0.3, 1.0, 2.0):
        p = of.p_below(level)
        assert np.mean(light < level) == pytest.approx(p, abs=5.0 * np.sqrt(p * (1.0 - p) / light.size))
    levels = np.sort(of.levels(32))
    assert levels.mean() == pytest.approx(1.0)
    assert np.mean(levels < 0.3) == pytest.approx(of.p_below(0.3), abs=0.02)


@pytest.mark.parametrize(("variance", "square", "broken"), [(0.2, 2.0, 0.3), (0.0, 1.0, 1.0), (0.1, np.inf, 0.7)])
def test_a_beam_that_is_broken_up(variance, square, broken):
    # 400,000 samples of mean 1, each probability within 5 deviations (false alarm 6e-7); equal exponents included.
    rng = np.random.default_rng(8)
    of = Fading(np.array(variance), np.array(square), broken)
    light = np.exp(rng.normal(0.0, np.sqrt(variance), 400_000)) * rng.random(400_000) ** (1.0 / square)
    light *= rng.random(400_000) ** broken
    light /= np.exp(variance / 2.0) / ((1.0 + 1.0 / square) * (1.0 + broken))
    for level in (0.01, 0.1, 0.5, 1.5):
        p = of.p_below(level)
        assert np.mean(light < level) == pytest.approx(p, abs=5.0 * np.sqrt(p * (1.0 - p) / light.size))
    assert of.p_below(of.quantile(0.01)) == pytest.approx(0.01)
    assert np.mean(of.levels(32) < 0.5) == pytest.approx(of.p_below(0.5), abs=0.02)


def test_part_of_the_slots():
    of = Fading(np.array([0.1, 0.2]), np.array([1.0, 2.0]), np.array([0.5, 0.6]))
    assert of.part(slice(1, 2)).quantile(0.1) == pytest.approx(of.quantile(0.1)[1:])


def test_light_that_is_hardly_ever_there():
    # A beam that moves by thirty of its widths: 1 % of the time 10,000 dB are missing, which no level could say.
    assert Fading(np.array(0.1), np.array(2e-3)).margin_db(0.01) == pytest.approx(10_000.0, rel=0.01)


def test_light_that_does_not_fade():
    of = Fading(np.zeros(3), np.full(3, np.inf))
    np.testing.assert_allclose(of.quantile(0.01), 1.0)
    np.testing.assert_allclose(of.p_below(0.999), 0.0)
    np.testing.assert_allclose(of.p_below(1.001), 1.0)
    np.testing.assert_allclose(of.p_below(0.0), 0.0)
    np.testing.assert_allclose(of.levels(4), 1.0)
