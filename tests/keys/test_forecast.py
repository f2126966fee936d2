"""Forecast of demand, and who comes first while pad is scarce."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.keys.forecast import RATE_MEMORY_S, Claim, Demand, Z, spare_keys
from haris.nouns.errors import ParameterError

SECOND_NS = 10**9


def drawn(rates: list[float], seed: int = 1, steps_per_s: int = 1) -> Demand:
    """Poisson draws at a rate for each second."""
    chance, demand, now_ns = random.Random(seed), Demand(), 0
    demand.draw(0, now_ns)
    for rate in rates:
        for _ in range(steps_per_s):
            now_ns += SECOND_NS // steps_per_s
            demand.draw(poisson(chance, rate / steps_per_s), now_ns)
    return demand


def poisson(chance: random.Random, mean: float) -> int:
    n, product = 0, chance.random()
    while product > math.exp(-mean):
        n, product = n + 1, product * chance.random()
    return n


@pytest.mark.parametrize("steps_per_s", [1, 7])
@pytest.mark.parametrize("rate", [0.5, 5.0, 40.0])
def test_a_steady_demand_is_found_with_its_variance(rate: float, steps_per_s: int) -> None:
    demand = drawn([rate] * 1200, steps_per_s=steps_per_s)
    assert demand.rate_per_s == pytest.approx(rate, rel=0.4, abs=0.2)
    assert demand.variance_per_s == pytest.approx(rate, rel=0.6, abs=0.2), "of a Poisson process the rate itself"
    assert abs(demand.trend_per_s2) < rate / 100


def test_a_rising_demand_is_foreseen() -> None:
    rates = [0.1 * second for second in range(600)]
    demand = drawn(rates)
    assert demand.trend_per_s2 == pytest.approx(0.1, rel=0.4)
    ahead = 60 * (rates[-1] + 0.1 * 30)
    assert demand.expected_keys(60) == pytest.approx(ahead, rel=0.15)


def test_a_demand_that_has_ended_is_forgotten() -> None:
    demand = drawn([20.0] * 600 + [0.0] * 1500)
    assert demand.expected_keys(60) < 10
    assert demand.target(60, 1000) == 250


def test_the_target_covers_what_is_drawn_within_the_horizon() -> None:
    """In 99 of 100 horizons by the normal approximation; 400 of them, so at least 380 but with chance 1e-6."""
    rate, horizon_s, covered = 6.0, 30, 0
    target = drawn([rate] * 2000).target(horizon_s, 400)
    chance = random.Random(9)
    for _ in range(400):
        covered += sum(poisson(chance, rate) for _ in range(horizon_s)) <= target
    assert covered >= 380
    assert target < 2 * rate * horizon_s


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 10 * SECOND_NS)), max_size=50),
    st.floats(1, 3600),
    st.integers(1, 10_000),
)
def test_a_target_stays_within_its_bounds(steps: list[tuple[int, int]], horizon_s: float, capacity: int) -> None:
    demand, now_ns = Demand(), 0
    for n_keys, wait_ns in steps:
        now_ns += wait_ns
        demand.draw(n_keys, now_ns)
        assert max(1, capacity // 4) <= demand.target(horizon_s, capacity) <= capacity
        assert demand.expected_keys(horizon_s) >= 0
        assert demand.variance_per_s >= 0


def test_one_step_by_the_formulas() -> None:
    demand = Demand()
    demand.draw(5, 0)  # when it began nobody knows
    demand.draw(30, 3 * SECOND_NS)
    weight = 1 - math.exp(-3 / RATE_MEMORY_S)
    assert demand.rate_per_s == pytest.approx(weight * 10)
    assert demand.variance_per_s == pytest.approx(weight * 30**2 / 3)
    plain = Demand(rate_per_s=2.0, variance_per_s=3.0)
    assert plain.target(50, 200) == math.ceil(100 + Z * math.sqrt(150))


def test_a_clock_that_steps_back_begins_anew() -> None:
    demand = Demand()
    demand.draw(0, 10 * SECOND_NS)
    demand.draw(100, 5 * SECOND_NS)
    assert demand.rate_per_s == 0.0
    demand.draw(10, 6 * SECOND_NS)
    assert demand.rate_per_s > 0
    with pytest.raises(ParameterError):
        demand.draw(-1, 7 * SECOND_NS)


def test_those_in_more_haste_come_first() -> None:
    claims = [Claim("a", 10, 100), Claim("b", 50, 100), Claim("c", 300, 100)]
    assert spare_keys(1000, claims, "a") == 1000
    assert spare_keys(1000, claims, "b") == 910
    assert spare_keys(1000, claims, "c") == 860
    assert [spare_keys(90, claims, peer) for peer in "abc"] == [90, 0, 0]
    even = [Claim("a", 5, 10), Claim("b", 5, 10)]
    assert [spare_keys(5, even, peer) for peer in "ab"] == [5, 0]


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 100)), min_size=1, max_size=6),
    st.integers(0, 400),
)
def test_pad_given_key_by_key_keeps_the_least_cover_as_high_as_can_be(pools: list, pad_keys: int) -> None:
    """Max-min fairness, beside the level that pouring the same pad into all pools at once would reach."""
    ready = {f"p{n}": level for n, (level, _) in enumerate(pools)}
    target = {f"p{n}": wanted for n, (_, wanted) in enumerate(pools)}
    for left in range(pad_keys, 0, -1):
        claims = [Claim(peer, ready[peer], target[peer]) for peer in ready]
        allowed = [peer for peer in ready if spare_keys(left, claims, peer) > 0]
        assert allowed, "pad never lies idle"
        short = [peer for peer in allowed if ready[peer] < target[peer]]
        if not short:
            break
        first = min(short, key=lambda peer: (ready[peer] / target[peer], peer))
        ready[first] += 1
    least = min(ready[peer] / target[peer] for peer in ready)
    poured = pour([(level, wanted) for level, wanted in pools], pad_keys)
    assert least >= min(1.0, poured) - 1 / min(target.values())


def pour(pools: list[tuple[int, int]], pad_keys: int) -> float:
    """The highest cover that every pool can reach with so many keys in all, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if sum(max(0.0, middle * wanted - level) for level, wanted in pools) <= pad_keys:
            low = middle
        else:
            high = middle
    return low
