"""The converter beside integrals of the Gaussian, and codes of sampled voltages beside its statistics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.converter import Converter

CONVERTERS = st.builds(Converter, st.integers(2, 10), st.floats(0.3, 8.0), st.floats(0.0, 0.9))


def likeliest(converter, mean, sd):
    """Largest probability of a code, from all its thresholds."""
    edges = np.concatenate([[-np.inf], converter.thresholds_v(), [np.inf]])
    return np.max(np.diff(norm.cdf(edges, mean, sd)))


@given(CONVERTERS, st.floats(0.05, 1.0), st.floats(0.0, 2.0), st.floats(-0.5, 0.5))
def test_no_mean_within_reach_is_guessed_better(converter, sd, reach, offset):
    bound = converter.worst_guess(sd, sd, offset - reach, offset + reach)
    means = offset + reach * np.linspace(-1.0, 1.0, 41)
    assert max(likeliest(converter, mean, sd) for mean in means) <= bound + 1e-12


@given(st.integers(2, 8), st.floats(0.0, 0.9), st.floats(0.1, 1.0))
def test_a_mean_in_the_widest_code_is_guessed_that_well(bits, dnl, sd):
    converter = Converter(bits, 4.0, dnl)
    at = -converter.range_v + 2 ** (bits - 1) * converter.step_v
    within = converter.worst_guess(sd, sd, 50.0, -50.0)  # no end within reach: only the widest code
    assert likeliest(converter, at, sd) >= within * (1 - 1e-9)
    assert within == pytest.approx(
        norm.cdf(0.5 * converter.step_v * (1 + dnl), 0, sd) - norm.cdf(-0.5 * converter.step_v * (1 + dnl), 0, sd)
    )


def test_the_unknown_width_counts_the_way_that_is_worse():
    converter = Converter(8, 1.0)
    wide = converter.worst_guess(0.1, 0.4, -0.2, 0.2)
    assert wide >= converter.worst_guess(0.4, 0.4, -0.2, 0.2) > converter.worst_guess(0.2, 0.2, -0.2, 0.2)


@given(CONVERTERS)
def test_codes_change_at_the_thresholds(converter):
    thresholds = converter.thresholds_v()
    assert np.all(np.diff(thresholds) > 0.0)
    nudge = 1e-6 * converter.step_v * (1.0 - converter.dnl_lsb)
    assert converter.digitise(thresholds - nudge).tolist() == list(range(len(thresholds)))
    assert converter.digitise(thresholds + nudge).tolist() == list(range(1, len(thresholds) + 1))
    assert converter.digitise(np.array([-1e9, 1e9])).tolist() == [0, len(thresholds)]


@pytest.mark.parametrize(
    ("converter", "mean", "sd"),
    [
        (Converter(8, 1.0), 0.1, 0.3),
        (Converter(4, 1.0, 0.6), -0.2, 0.9),
        (Converter(12, 0.5), 0.0, 0.1),
        (Converter(1, 1.0), 0.3, 1.0),
    ],
)
def test_statistics_are_those_of_samples(converter, mean, sd):
    """Five standard errors: a false alarm in a million of each comparison."""
    rng, n, lag = np.random.default_rng(5), 400_000, 0.6
    first = rng.standard_normal(n)
    second = lag * first + np.sqrt(1 - lag**2) * rng.standard_normal(n)
    codes = converter.digitise(mean + sd * first).astype(float)
    others = converter.digitise(mean + sd * second).astype(float)
    found = converter.gaussian_statistics(mean, sd, (lag,))
    assert codes.mean() == pytest.approx(found.mean, abs=5 * np.sqrt(found.variance / n))
    assert codes.var() == pytest.approx(found.variance, rel=5 * np.sqrt(2 / n))
    ends = np.mean((codes == 0) | (codes == 2**converter.bits - 1))
    assert ends == pytest.approx(found.p_saturated, abs=5 * np.sqrt(found.p_saturated / n) + 1e-12)
    covariance = np.mean((codes - found.mean) * (others - found.mean)) / found.variance
    assert covariance == pytest.approx(found.autocorrelation[0], abs=5 * np.sqrt(2 / n))


def test_samples_that_never_change_have_statistics():
    found = Converter(10, 1e8).gaussian_statistics(-(2.0**-4) * 1e8, 3e3, (-8e-5,))
    assert found.mean == 480.0
    assert found.variance == pytest.approx(0.0)
    assert -1.0 <= found.autocorrelation[0] <= 1.0


@pytest.mark.parametrize("wrong", [{"bits": 0}, {"bits": 17}, {"range_v": 0.0}, {"dnl_lsb": -0.1}, {"dnl_lsb": 1.0}])
def test_what_is_wrong_is_named(wrong):
    with pytest.raises(ParameterError, match=f"^{next(iter(wrong))} "):
        Converter(**{"bits": 8, "range_v": 1.0, **wrong})


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
@pytest.mark.parametrize("dnl_lsb", [0.0, 0.3, 0.9])
def test_saturation_is_what_lies_beyond_the_thresholds(bits, dnl_lsb):
    converter = Converter(bits, 1.0, dnl_lsb)
    thresholds = converter.thresholds_v()
    beyond = norm.cdf(thresholds[0], 0.1, 0.5) + norm.sf(thresholds[-1], 0.1, 0.5)
    assert converter.saturation(0.1, 0.5) == pytest.approx(beyond, rel=1e-12)
