"""Forecasts of depletion, against plain arithmetic and against Poisson draws of known rates."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.manage.depletion import Forecast, Meter, Rate, Step, forecast, rate
from haris.nouns.errors import ParameterError

S = 10**9


def test_even_steps_have_no_error():
    steps = tuple(Step(10.0, 20.0, 50.0) for _ in range(6))
    assert rate(steps) == Rate(-3.0, 0.0)
    assert rate(steps, 1, 0) == Rate(2.0, 0.0)
    assert rate(steps, 0, 1) == Rate(5.0, 0.0)
    assert forecast(600, rate(steps)) == Forecast(200.0, 200.0, 200.0)


def test_the_error_of_equal_steps_is_that_of_a_mean():
    """Against numpy: std(ddof=1) / sqrt(n), for steps of one second."""
    drawn = np.random.default_rng(5).poisson(7.0, 40)
    found = rate(tuple(Step(1.0, float(n), 0.0) for n in drawn))
    assert found.per_s == pytest.approx(drawn.mean())
    assert found.error_per_s == pytest.approx(drawn.std(ddof=1) / math.sqrt(40))


def test_two_sigma_hold_the_truth_about_95_times_in_100():
    """Rates 40 in and 50 out a second, 60 steps of 5 s; of 400 forecasts at least 360 hold the true 100 s.

    Expected 95 %, so 380 with a deviation of 4.4; fewer than 360 in one of 10^5 runs. Fixed seed.
    """
    rng, held = np.random.default_rng(1), 0
    for _ in range(400):
        steps = tuple(
            Step(5.0, float(a), float(b)) for a, b in zip(rng.poisson(200, 60), rng.poisson(250, 60), strict=True)
        )
        told = forecast(1000, rate(steps))
        held += told.earliest_s <= 100 <= (told.latest_s or math.inf)
    assert held >= 360


def test_a_pool_that_grows_is_never_dry():
    steps = tuple(Step(1.0, 2.0, 1.0) for _ in range(5))
    assert forecast(100, rate(steps)) == Forecast(None, None, None)


def test_doubt_about_a_steady_pool_has_an_earliest_end():
    told = forecast(100, Rate(0.5, 1.0))
    assert told == Forecast(None, pytest.approx(100 / 1.5), None)


def test_few_steps_are_not_trusted():
    steps = (Step(1.0, 0.0, 10.0),) * 2
    assert rate(steps) == Rate(-10.0, math.inf)
    assert forecast(100, rate(steps)) == Forecast(10.0, 10.0, None)
    assert rate(()) == Rate(0.0, math.inf)


def test_a_dry_pool_is_dry_now():
    assert forecast(0, Rate(-1.0, 0.0)) == Forecast(0.0, 0.0, 0.0)
    assert forecast(0, Rate(1.0, 0.0)) == Forecast(None, None, None)
    with pytest.raises(ParameterError):
        forecast(-1, Rate(0.0, 0.0))


def test_a_meter_remembers_its_window():
    meter = Meter(window_s=30)
    for n in range(11):
        meter.look(10 * n * S, 100.0 * n, 50.0 * n)
    assert meter.steps() == (Step(10.0, 100.0, 50.0),) * 3


def test_a_meter_begins_anew_after_a_restart_or_a_clock_that_went_back():
    meter = Meter()
    for now, total in ((0, 0.0), (1, 10.0), (2, 20.0)):
        meter.look(now * S, total, 0.0)
    assert len(meter.steps()) == 2
    meter.look(3 * S, 0.0, 0.0)
    assert meter.steps() == ()
    meter.look(4 * S, 5.0, 0.0)
    meter.look(1 * S, 6.0, 0.0)
    assert meter.steps() == ()


@given(st.floats(0, 1e9), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_the_earliest_is_never_after_the_expected(level, per_s, error):
    told = forecast(level, Rate(per_s, error))
    if told.expected_s is not None:
        assert told.earliest_s is not None
        assert told.earliest_s <= told.expected_s <= (math.inf if told.latest_s is None else told.latest_s)
