"""The curves of a pass beside SGP4 at every moment."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.arc import arc_s, states_along
from haris.quantum.orbit.elements import DAY_S, Elements, circular
from haris.quantum.orbit.propagation import MOST_AGE_S, states

START_S = 1774000000.0


def elliptic(revolutions, eccentricity):
    return Elements("elliptic", 0, START_S, revolutions, eccentricity, 63.4, 40.0, 270.0, 0.0)


@pytest.mark.parametrize(
    ("satellite", "apart_m", "apart_m_per_s"),
    [
        (circular("lowest", START_S, 250e3, 51.6, 10.0, 20.0), 0.01, 0.05),
        (circular("low", START_S, 500e3, 97.4, 10.0, 20.0), 0.01, 0.05),
        (circular("navigation", START_S, 20200e3, 55.0, 10.0, 20.0), 0.01, 0.05),
        (circular("still", START_S, 35786e3, 5.0, 10.0, 20.0), 0.01, 0.1),
        (elliptic(12.0, 0.15), 0.1, 2.0),
        (elliptic(2.006, 0.72), 0.5, 2.0),
        (elliptic(1.0 / 13.7, 0.55), 0.5, 30.0),
    ],
)
@pytest.mark.parametrize("arcs", [0.0, 0.5, 1.0, 2.5])
def test_curves_are_those_of_sgp4(satellite, apart_m, apart_m_per_s, arcs):
    for since_s in np.arange(4) / 4.0 * satellite.period_s:
        times = START_S + since_s + np.linspace(0.0, arcs * arc_s(satellite), 200 if arcs else 1)
        curve, exact = states_along(satellite, times, MOST_AGE_S), states([satellite], times)
        assert np.linalg.norm(curve.position_m - exact.position_m[0], axis=-1).max() < apart_m
        assert np.linalg.norm(curve.velocity_m_per_s - exact.velocity_m_per_s[0], axis=-1).max() < apart_m_per_s


def test_times_in_any_order():
    satellite = circular("low", START_S, 500e3, 97.4, 10.0, 20.0)
    times = START_S + np.random.default_rng(1).uniform(0.0, 4000.0, 300)
    np.testing.assert_allclose(
        states_along(satellite, times, MOST_AGE_S).position_m, states([satellite], times).position_m[0], atol=0.01
    )


def test_elements_too_old_are_refused_and_those_that_are_just_fresh_are_not():
    satellite = circular("low", START_S, 500e3, 97.4, 10.0, 20.0)
    states_along(satellite, START_S + DAY_S + np.array([-300.0, 0.0]), DAY_S)
    with pytest.raises(ParameterError, match="days from the time"):
        states_along(satellite, START_S + DAY_S + np.array([0.0, 1.0]), DAY_S)
