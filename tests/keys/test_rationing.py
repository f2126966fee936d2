"""Keys in bursts: a week of passes with clouds and a demand that varies, rationed and not."""

from __future__ import annotations

import numpy as np
import pytest

from haris.keys.rationing import MARGIN, Appetite, Burst, lasts, may_take, protected_keys, until_sure_s
from haris.nouns.errors import ParameterError

HIGH, MIDDLE, LOW = 7, 3, 0
HOUR = 3600.0
STEP_S = 900.0


def passes_of_a_week(rng: np.random.Generator) -> list[tuple[float, float, bool]]:
    """Two passes a night, ninety minutes apart, of 2000 to 4000 keys; clouds take a third, told as a probability."""
    rises = [24 * HOUR * day + late for day in range(8) for late in (0.0, 1.5 * HOUR)]
    return [(rise, float(rng.uniform(2000, 4000)), bool(rng.random() < 2 / 3)) for rise in rises]


def week(seed: int, *, rationed: bool) -> dict[int, float]:
    """Share of what each priority asked for that it was given. The low ones ask for more than comes."""
    rng = np.random.default_rng(seed)
    passes = passes_of_a_week(rng)
    appetite, stock, now_s = Appetite(), 3000.0, 60.0
    asked, given = dict.fromkeys((HIGH, MIDDLE, LOW), 0), dict.fromkeys((HIGH, MIDDLE, LOW), 0)
    while now_s < 7 * 24 * HOUR:
        stock += sum(keys for rise, keys, clear in passes if clear and now_s - STEP_S < rise <= now_s)
        stock = min(stock, 6000.0)
        ahead = [Burst(rise - now_s, keys, 2 / 3) for rise, keys, _ in passes if rise > now_s]
        by_day = 2.0 if now_s % (24 * HOUR) < 12 * HOUR else 0.5
        for priority, mean in ((LOW, 36.0 * by_day), (MIDDLE, 9.0), (HIGH, 6.0)):
            n = int(rng.poisson(mean))
            appetite.ask(n, priority, now_s)
            asked[priority] += n
            until_s = until_sure_s(ahead)
            if stock >= n and (not rationed or may_take(stock, n, priority, appetite, until_s, now_s)):
                stock -= n
                given[priority] += n
        now_s += STEP_S
    return {priority: given[priority] / asked[priority] for priority in asked}


def test_rationing_serves_high_priorities_through_the_week_and_starves_nobody() -> None:
    rationed = [week(seed, rationed=True) for seed in range(5)]
    free = [week(seed, rationed=False) for seed in range(5)]
    # What is left are the first hours, when nobody's appetite is known, and nights of clouds in a row.
    assert np.mean([each[HIGH] for each in rationed]) > 0.92
    assert np.mean([each[HIGH] for each in free]) < 0.75
    assert np.mean([each[MIDDLE] for each in rationed]) > np.mean([each[MIDDLE] for each in free])
    for held, loose in zip(rationed, free, strict=True):
        assert held[HIGH] > loose[HIGH] + 0.2
        assert min(held[HIGH], held[MIDDLE]) > held[LOW]
        assert held[LOW] > 0.6 * loose[LOW]  # what nobody above wants is not kept from them


def test_a_burst_is_counted_on_once_it_is_likely_enough() -> None:
    clouded = [Burst(HOUR, 100, 0.5), Burst(3 * HOUR, 100, 0.8), Burst(9 * HOUR, 100, 0.8)]
    assert until_sure_s(clouded) == 3 * HOUR  # 1 - 0.5 * 0.2 = 0.9
    assert until_sure_s(clouded[:1]) is None
    assert until_sure_s([Burst(HOUR, 0.0), Burst(2 * HOUR, 5.0)]) == 2 * HOUR
    with pytest.raises(ParameterError, match="in the future"):
        Burst(-1.0, 5.0)


def test_a_stock_lasts_with_a_margin() -> None:
    assert lasts(MARGIN * 100, 1.0, 100.0)
    assert not lasts(MARGIN * 100 - 1, 1.0, 100.0)
    assert lasts(0, 0.0, None)
    assert not lasts(10**9, 1.0, None)


def test_the_highest_priority_is_never_held_back_and_nobody_for_ever() -> None:
    appetite = Appetite()
    for second in range(1000):
        appetite.ask(1, HIGH, float(second))
    assert may_take(1, 1, HIGH, appetite, 10 * HOUR, 1000.0)
    assert not may_take(1000, 1, LOW, appetite, 2 * HOUR, 1000.0)
    assert may_take(1000, 1, LOW, appetite, 600.0, 1000.0)  # the pass is near: there is more than they want
    assert may_take(1, 1, LOW, appetite, None, 1000.0)


def test_demand_scatters_by_the_size_of_requests() -> None:
    few, many = Appetite(), Appetite()
    for second in range(0, 3600, 36):
        few.ask(1, HIGH, float(second))
    for second in range(0, 3600, 900):
        many.ask(25, HIGH, float(second))
    (mean, deviation), (same, wider) = (each.expected(LOW, HOUR, HOUR) for each in (few, many))
    assert mean == pytest.approx(100, rel=0.02)
    assert same == pytest.approx(mean, rel=0.05)
    assert deviation == pytest.approx(10, rel=0.05)
    assert wider == pytest.approx(50, rel=0.05)  # four requests of 25: 25 x 2
    assert protected_keys(many, LOW, HOUR, HOUR) > mean + 2 * wider


def test_one_request_at_the_start_is_no_appetite_of_hours() -> None:
    appetite = Appetite()
    appetite.ask(2, HIGH, 0.0)
    assert appetite.expected(LOW, HOUR, 1.0)[0] == pytest.approx(2 * 60, rel=0.02)  # not 2 in each second
    assert may_take(500, 1, LOW, appetite, HOUR, 1.0)
    assert not may_take(100, 1, LOW, appetite, HOUR, 1.0)
