"""The search for the best settings."""

import math

import pytest

from haris.nouns.errors import ParameterError
from haris.papers.optimum import last_with_key, maximum


def test_it_climbs_on_until_nothing_is_gained():
    value, place = maximum(
        lambda x: 3.0 - (x[0] - 1.0) ** 2 - 10.0 * (x[1] - x[0] ** 2) ** 2, [(-1.2, 1.0), (9.0, 9.0)]
    )
    assert value == pytest.approx(3.0, abs=1e-4)
    assert place == pytest.approx((1.0, 1.0), abs=0.02)


def test_what_is_no_number_ends_the_search():
    value, _ = maximum(lambda _: math.nan, [(1.0,)])
    assert math.isnan(value)


@pytest.mark.parametrize("at", [1.0, 30.0, 200.0])
def test_the_end_of_the_key_is_found_from_either_side(at):
    end = last_with_key(lambda x, place: 40.0 - place - (x[0] - 0.3) ** 2, [(0.5,)], at, 5.0, 1e-3)
    assert end == pytest.approx(40.0, abs=0.01)


def test_where_there_is_no_key_the_end_is_0_and_without_darkness_there_is_none():
    assert last_with_key(lambda x, place: -1.0 - place - x[0] ** 2, [(0.5,)], 10.0, 5.0, 1e-3) == 0.0
    with pytest.raises(ParameterError, match="key does not end"):
        last_with_key(lambda x, place: 1.0 - x[0] ** 2, [(0.5,)], 10.0, 5.0, 1e-3)
