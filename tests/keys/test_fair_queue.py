"""Whose turn it is. Witness: the bounds of Goyal, Vin and Cheng 1997 on what two busy flows may differ by."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.keys.fair_queue import FairQueue
from haris.nouns.errors import KeyUnavailable, ParameterError

PUSHES = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 7), st.integers(1, 128)), max_size=200)


@given(pushes=PUSHES, budget=st.integers(1, 500))
def test_everything_comes_out_once_and_in_the_order_of_its_sae(pushes, budget):
    queue = FairQueue()
    for number, (sae, priority, cost) in enumerate(pushes):
        queue.push(sae, priority, cost, (sae, priority, number))
    assert len(queue) == len(pushes)
    out = []
    while len(queue):
        batch = queue.pop_batch(budget)
        assert batch
        assert len(batch) == 1 or sum(pushes[number][2] for _, _, number in batch) <= budget
        out += batch
    assert sorted(number for _, _, number in out) == list(range(len(pushes)))
    for flow in {(sae, priority) for sae, priority, _ in out}:
        numbers = [number for *has, number in out if tuple(has) == flow]
        assert numbers == sorted(numbers)
    assert queue.pop_batch(budget) == []


@given(costs=st.dictionaries(st.sampled_from("abcde"), st.integers(1, 128), min_size=2), turns=st.integers(10, 300))
def test_busy_applications_of_one_priority_get_the_same_however_large_their_requests(costs, turns):
    queue, served = FairQueue(), Counter()
    for sae, cost in costs.items():
        for _ in range(300):
            queue.push(sae, 3, cost, sae)
    for _ in range(min(turns, 300)):
        (sae,) = queue.pop_batch(1)
        served[sae] += costs[sae]
    for one in costs:  # theorem 1: two flows of equal weight differ by at most a largest request of each
        for other in costs:
            assert abs(served[one] - served[other]) <= costs[one] + costs[other]


def test_an_application_that_floods_the_queue_delays_nobody_else():
    queue = FairQueue()
    for _ in range(1000):
        queue.push("greedy", 3, 128, "greedy")
    for _ in range(3):
        queue.pop_batch(128)
    queue.push("modest", 3, 1, "modest")
    assert "modest" in queue.pop_batch(128) + queue.pop_batch(128)


def test_one_that_rested_gets_no_more_than_its_share_for_it():
    queue = FairQueue()
    for _ in range(200):
        queue.push("busy", 3, 1, "busy")
    queue.pop_batch(100)
    for _ in range(100):
        queue.push("late", 3, 1, "late")
    assert Counter(queue.pop_batch(100)) == {"busy": 50, "late": 50}


@pytest.mark.parametrize(("high", "low"), [(7, 0), (4, 3), (5, 3)])
def test_priorities_share_by_their_weights_and_the_lowest_is_served_too(high, low):
    queue, ratio = FairQueue(max_waiting=10_000), 2 ** (high - low)
    for _ in range(4000):
        queue.push("x", high, 1, high)
        queue.push("y", low, 1, low)
    served = Counter(queue.pop_batch(2580))
    assert served[high] / served[low] == pytest.approx(ratio, rel=0.06)


def test_the_lowest_priority_has_a_floor_under_all_the_others():
    queue = FairQueue(max_waiting=10_000)
    for priority in range(8):
        for _ in range(6000):
            queue.push("x", priority, 1, priority)
    served = Counter(queue.pop_batch(255 * 20))
    assert served == {priority: 20 * 2**priority for priority in range(8)}


def test_a_class_that_was_idle_does_not_catch_up():
    queue = FairQueue(max_waiting=10_000)
    for _ in range(2000):
        queue.push("x", 7, 1, 7)
    queue.pop_batch(1000)
    for _ in range(1000):
        queue.push("y", 6, 1, 6)
    assert Counter(queue.pop_batch(300)) == {7: 200, 6: 100}


def test_an_application_may_not_fill_the_queue():
    queue = FairQueue(max_waiting=2)
    queue.push("a", 3, 1, 1)
    queue.push("a", 3, 1, 2)
    with pytest.raises(KeyUnavailable, match="requests waiting"):
        queue.push("a", 3, 1, 3)
    queue.push("b", 3, 1, 4)
    queue.pop_batch(3)
    queue.push("a", 3, 1, 5)
    for priority, cost in ((8, 1), (-1, 1), (0, 0)):
        with pytest.raises(ParameterError):
            queue.push("a", priority, cost, 6)
