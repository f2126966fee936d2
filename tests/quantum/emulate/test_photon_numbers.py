"""Clicks by photon number against the model of whole coherent pulses, and against photons drawn one by one."""

from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.nouns.photon_counts import PhotonCounts
from haris.quantum.emulate.clicks import click_rates
from haris.quantum.emulate.photon_numbers import n_photon_outcomes, n_photon_rates
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source

probabilities = st.floats(0.0, 1.0)


@settings(max_examples=25)
@given(
    st.builds(Fibre, st.floats(0, 2e5), st.just(0.2), st.just(0.0), st.floats(0, 0.5)),
    st.builds(Detector, probabilities, probabilities, st.floats(0, 1e-7), probabilities),
    st.floats(0.01, 5.0),
)
def test_photon_numbers_in_their_poissonian_shares_are_the_whole_pulse(fibre, detector, mu):
    source = Source(1e9, (mu, mu / 2), (0.7, 0.3))
    at_m = np.array([0.0, 3e4])
    whole, renewal = click_rates(source, fibre, detector, at_m)
    parts = sum(
        exp(-mu) * mu**n / factorial(n) * n_photon_rates(n, renewal, source, fibre, detector, at_m) for n in range(45)
    )
    np.testing.assert_allclose(0.7 * parts, whole[:, 0], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_outcomes_are_those_of_photons_drawn_one_by_one(n):
    # 4e5 pulses: a false alarm beyond 5 sigma in any of 4 outcomes has probability below 3e-6.
    rng, eta, wrong, p_dark, pulses = np.random.default_rng(n), 0.6, 0.2, 0.05, 400_000
    place = rng.choice(3, p=[eta * (1 - wrong), eta * wrong, 1 - eta], size=(pulses, n))
    right, wrong_one = (np.any(place == which, axis=1) | (rng.random(pulses) < p_dark) for which in (0, 1))
    drawn = [np.mean(right & ~wrong_one), np.mean(wrong_one & ~right), np.mean(right & wrong_one)]
    expected = n_photon_outcomes(n, eta, wrong, p_dark)
    assert np.all(np.abs(expected - drawn) < 5 * np.sqrt(expected / pulses))


def test_few_photons_behind_great_loss_keep_their_digits():
    # To first order in the loss: eta (1 - w) and eta w, times n.
    only_right, only_wrong, both = n_photon_outcomes(2, 1e-18, 0.25, 0.0)
    assert (only_right, only_wrong) == pytest.approx((1.5e-18, 0.5e-18), rel=1e-12)
    assert both == pytest.approx(2 * 0.75e-18 * 0.25e-18, rel=1e-12)


@pytest.mark.parametrize(
    ("shapes", "errors", "words"),
    [
        (((3,), (2,), (3, 1), (3, 1)), 0.0, "errors must have the shape"),
        (((3,), (3,), (2, 1), (2, 1)), 0.0, "of_photons .* one axis more"),
        (((3,), (3,), (3, 1), (3, 1)), 2.0, "errors must lie between 0 and the bits"),
    ],
)
def test_counts_that_cannot_be_are_refused(shapes, errors, words):
    bits, wrong, photons, photon_wrong = (np.ones(shape) for shape in shapes)
    with pytest.raises(ParameterError, match=words):
        PhotonCounts(1.0, bits, wrong, photons, photon_wrong * errors)
