"""What the past does not tell, beside the recursion of Levinson and Durbin; noise filtered to an autocorrelation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.correlation import WHITE, low_pass, measured, spectrum


def levinson(lags, order):
    """Variance that is left of a sample when the last `order` ones are known."""
    r = np.concatenate([[1.0], lags, np.zeros(order)])
    weights, error = np.zeros(0), 1.0
    for k in range(1, order + 1):
        reflection = (r[k] - weights @ r[k - 1 : 0 : -1]) / error
        weights = np.concatenate([weights - reflection * weights[::-1], [reflection]])
        error *= 1.0 - reflection**2
    return error


@given(st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=6))
def test_the_recursion_falls_to_the_innovation(lags):
    assume(spectrum(tuple(lags)).min() > 0.02)
    found = measured(tuple(lags)).innovation
    longest = levinson(lags, 600)
    assert longest == pytest.approx(found, rel=1e-6)
    assert levinson(lags, 3) >= longest - 1e-12
    assert found <= 1.0


@given(st.floats(0.02, 3.0))
def test_a_low_pass_leaves_what_its_pole_says(bandwidth):
    noise = low_pass(bandwidth, 1.0)
    a = math.exp(-2 * math.pi * bandwidth)
    assert noise.innovation == pytest.approx(1 - a * a)
    assert levinson(np.array(noise.lags[:200]), 40) == pytest.approx(noise.innovation, rel=2e-3)
    assert all(lag == pytest.approx(a**k) for k, lag in enumerate(noise.lags, 1))


@pytest.mark.parametrize("noise", [measured((0.3, -0.1, 0.05)), low_pass(0.1, 1.0), low_pass(0.01, 1.0), WHITE])
def test_filtered_noise_has_that_autocorrelation_from_its_first_sample_on(noise):
    """Six standard errors."""
    rng, n = np.random.default_rng(3), 1_000_000
    white = rng.standard_normal(n, np.float32)
    values, state = noise.colour(white[: n // 3].copy(), noise.start(rng))
    rest, _ = noise.colour(white[n // 3 :].copy(), state)
    values = np.concatenate([values, rest]).astype(float)
    error = 6 * np.sqrt(noise.squares / n)
    assert values.var() == pytest.approx(1.0, abs=2 * error)
    for lag in range(1, 6):
        wanted = noise.lags[lag - 1] if lag <= len(noise.lags) else 0.0
        assert np.mean(values[lag:] * values[:-lag]) == pytest.approx(wanted, abs=2 * error)
    starts = [noise.colour(np.zeros(1, np.float32), noise.start(rng))[0][0] for _ in range(2000)]
    assert np.var(starts) == pytest.approx(1.0 - noise.innovation, abs=6 * math.sqrt(2 / 2000))


@pytest.mark.parametrize("noise", [measured((0.3, -0.1, 0.05)), low_pass(0.1, 1.0), WHITE])
def test_the_spectrum_is_that_of_the_lags(noise):
    power = noise.spectrum()
    assert power.mean() == pytest.approx(1.0)
    assert power.max() <= noise.peak + 1e-9
    if power.size > 1:
        assert np.fft.ifft(power).real[1:4] == pytest.approx(noise.lags[:3], abs=1e-6)
        assert np.mean(power**2) == pytest.approx(noise.squares)


@pytest.mark.parametrize("lags", [(1.0,), (0.6,), (-0.51,), (float("nan"),), (0.5, 0.5, -0.9), (0.0,) * 257])
def test_no_noise_has_it(lags):
    with pytest.raises(ParameterError, match=r"^autocorrelation "):
        measured(lags)
