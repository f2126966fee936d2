"""What is believed of a measured spectrum, beside recordings of noise whose spectrum is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.quantum.entropy.calibration import innovation, spectrum_bounds
from haris.quantum.entropy.correlation import LEAST_POWER, WHITE, low_pass, measured


def test_measured_lags_bound_the_spectrum_of_the_noise():
    """200 recordings at a probability of 1e-4 for each of six bounds: at most 0.1 are expected outside."""
    rng, n, true = np.random.default_rng(2), 100_000, measured((0.3, -0.1))
    x = math.log(1e4) / n
    for _ in range(200):
        values = true.colour(rng.standard_normal(n, np.float32), true.start(rng))[0].astype(float)
        square = np.mean(values**2)
        lags = tuple(float(np.mean(values[lag:] * values[:-lag]) / square) for lag in (1, 2))
        found = spectrum_bounds(math.sqrt(square), measured(lags), 2, x)
        assert np.all(found.least_v2 <= true.spectrum())
        assert np.all(true.spectrum() <= found.most_v2)
        assert found.peak >= true.spectrum().max()
        assert innovation(found.least_v2, LEAST_POWER) <= true.innovation <= innovation(found.most_v2, 0.0)


@given(st.integers(1, 10**12), st.integers(0, 4))
def test_more_samples_say_more(n_samples, n_lags):
    noise = measured((0.2, 0.1)) if n_lags else WHITE
    few, many = (spectrum_bounds(1.0, noise, n_lags, 70.0 / n) for n in (n_samples, 2 * n_samples))
    assert many is not None or few is None
    if few is not None:
        assert np.all(few.least_v2 <= many.least_v2)
        assert np.all(many.least_v2 <= noise.spectrum())
        assert np.all(few.most_v2 >= many.most_v2)


def test_a_spectrum_that_may_be_empty_somewhere_leaves_nothing():
    assert innovation(np.array([1.0, 1e-7]), LEAST_POWER) == 0.0
    assert innovation(np.array([1.0, -1.0]), LEAST_POWER) == 0.0
    assert innovation(np.zeros(1), LEAST_POWER) == 0.0


@pytest.mark.parametrize("noise", [WHITE, low_pass(0.2, 1.0), measured((0.3, 0.1))])
def test_the_innovation_of_a_spectrum_is_that_of_its_filter(noise):
    assert innovation(4.0 * noise.spectrum(), LEAST_POWER) == pytest.approx(4.0 * noise.innovation)
