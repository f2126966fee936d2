"""Rates, quotas and the time to wait. Witness for the bucket: what any bucket may give, rate * time + burst."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.keys.admission import Admission
from haris.keys.policy import Policy, Rule
from haris.keys.quota import DAY_NS, TokenBucket
from haris.node.store.store import open_store
from haris.nouns.errors import KeyUnavailable, ParameterError, Unauthorised

S = 1_000_000_000
NOON = 20_000 * DAY_NS + DAY_NS // 2


class Clock:
    def __init__(self, now_ns=NOON):
        self.now_ns = now_ns

    def __call__(self):
        return self.now_ns


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "site.db", bytes(32), os.urandom)
    yield store
    store.close()


def take_all(gate, n_keys):
    """(keys that it gives until it refuses, how it refuses)"""
    given_out = 0
    try:
        while True:
            gate.admit("a", ("b",), n_keys, 256)
            given_out += n_keys
    except KeyUnavailable as refused:
        return given_out, refused


def admission(*rules, store=None, clock=None):
    return Admission(Policy(rules), store, clock or Clock())


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 100),
    steps=st.lists(st.tuples(st.integers(0, 3 * S), st.integers(1, 20)), max_size=50),
)
def test_a_bucket_never_gives_more_than_its_rate_and_its_burst(rate, burst, steps):
    bucket, now, given_out = TokenBucket.full(rate, burst, 0), 0, 0
    for pause, n in steps:
        now += pause
        bucket = bucket.at(now)
        after = bucket.take(n)
        if after is not None:
            bucket, given_out = after, given_out + n
        elif n <= burst:  # and after the time that it tells, it gives
            later = bucket.at(now + int(bucket.wait_s(n) * 1e9) + 2)
            assert later.take(n) is not None
        assert given_out <= rate * now / 1e9 + burst + 1e-6


def test_a_clock_that_goes_back_gives_nothing():
    bucket = TokenBucket.full(10.0, 5, 100 * S).take(5)
    assert bucket.at(50 * S).level == 0.0
    assert bucket.at(50 * S).at(50 * S + S // 10).level == pytest.approx(1.0)


def test_a_rate_is_refused_with_the_time_to_wait():
    clock = Clock()
    gate = admission(Rule(keys_per_s=2.0, burst_keys=10), clock=clock)
    gate.admit("a", ("b",), 10, 256)
    with pytest.raises(KeyUnavailable) as refused:
        gate.admit("a", ("b",), 5, 256)
    assert refused.value.retry_after_s == 3
    gate.admit("a", ("c",), 5, 256)  # another pair has a bucket of its own
    clock.now_ns += 3 * S
    gate.admit("a", ("b",), 5, 256)
    with pytest.raises(ParameterError):
        gate.admit("a", ("b",), 11, 256)


def test_a_longer_key_counts_for_as_many_as_it_is_cut_from():
    gate = admission(Rule(keys_per_s=1.0, burst_keys=16))
    gate.admit("a", ("b",), 1, 4096)
    with pytest.raises(KeyUnavailable):
        gate.admit("a", ("b",), 1, 64)


def test_pairs_of_a_shared_rule_share():
    gate = admission(Rule(keys_per_s=1.0, burst_keys=4, shared=True))
    gate.admit("a", ("b", "c"), 2, 256)
    with pytest.raises(KeyUnavailable):
        gate.admit("d", ("e",), 1, 256)


def test_all_pairs_of_a_request_pay_or_none():
    gate = admission(
        Rule(slaves=("b",), keys_per_s=1.0, burst_keys=4), Rule(slaves=("c",), keys_per_s=1.0, burst_keys=2)
    )
    gate.admit("a", ("c",), 2, 256)
    with pytest.raises(KeyUnavailable):
        gate.admit("a", ("b", "c"), 1, 256)
    gate.admit("a", ("b",), 4, 256)
    with pytest.raises(Unauthorised):
        gate.admit("a", ("d",), 1, 256)


def test_what_was_paid_for_nothing_comes_back():
    gate = admission(Rule(keys_per_s=1.0, burst_keys=4))
    for _ in range(3):
        gate.admit("a", ("b",), 4, 256)
        gate.give_back("a", ("b",), 4, 256)
    gate.admit("a", ("b",), 4, 256)


def test_a_quota_holds_across_restarts_and_is_new_at_midnight(store):
    clock, rule = Clock(), Rule(keys_per_day=1000)
    gate, given_out = admission(rule, store=store, clock=clock), 0
    for _ in range(50):
        gate.admit("a", ("b",), 7, 256)
        given_out += 7
    gate = admission(rule, store=store, clock=clock)  # killed: what was drawn and not used is forfeit
    more, refused = take_all(gate, 7)
    given_out += more
    assert refused.retry_after_s == DAY_NS // 2 // S
    assert 1000 - 17 <= given_out <= 1000
    with pytest.raises(KeyUnavailable):
        admission(rule, store=store, clock=clock).admit("a", ("b",), 7, 256)
    clock.now_ns += DAY_NS // 2
    gate.admit("a", ("b",), 7, 256)
    clock.now_ns -= DAY_NS // 2  # a clock that goes back finds the old day used up
    with pytest.raises(KeyUnavailable):
        gate.admit("a", ("b",), 7, 256)


def test_a_process_that_ends_well_returns_what_it_did_not_use(store):
    rule = Rule(keys_per_day=1000)
    for _ in range(100):
        gate = admission(rule, store=store)
        gate.admit("a", ("b",), 10, 256)
        gate.close()
    with pytest.raises(KeyUnavailable):
        admission(rule, store=store).admit("a", ("b",), 1, 256)


def test_two_processes_share_a_quota(store):
    gates, given_out = [admission(Rule(keys_per_day=205), store=store) for _ in range(2)], 0
    for turn in range(100):
        gates[turn % 2].admit("a", ("b",), 1, 256)
        given_out += 1
    for gate in gates:
        given_out += take_all(gate, 1)[0]
    assert given_out == 205


def test_a_dry_pool_says_when_it_will_have_keys_and_sooner_for_a_higher_priority():
    clock = Clock()
    gate = admission(clock=clock)
    assert gate.retry_after_s("x", 0, 1, 3) == 1  # nothing is known yet
    for level in range(0, 30, 3):  # 3 keys come a second
        clock.now_ns += S
        gate.saw("x", level)
    clock.now_ns += S
    waits = [gate.retry_after_s("x", 30, 30 + 12, priority) for priority in range(8)]
    assert waits == sorted(waits, reverse=True)
    assert waits[7] == pytest.approx(12 / 3, abs=1)
    assert waits[0] == pytest.approx(8 * 12 / 3, abs=4)


def test_what_is_taken_out_of_a_pool_has_come_in():
    clock = Clock()
    gate = admission(clock=clock)
    for _ in range(20):  # a pool that is always empty: 5 keys come and go a second
        gate.saw("x", 0)
        gate.took("x", 5)
        clock.now_ns += S
    assert gate.retry_after_s("x", 0, 50, 7) == pytest.approx(10, abs=1)


def test_where_nothing_comes_the_wait_grows_and_ends():
    clock = Clock()
    gate = admission(clock=clock)
    waits = []
    for _ in range(200):
        waits.append(gate.retry_after_s("x", 0, 1, 7))
        clock.now_ns += S
    assert waits == sorted(waits)
    assert (waits[0], waits[5], waits[-1]) == (1, 5, 15)


def test_where_any_rule_has_a_quota_every_pair_may_have_to_wait_for_the_store(store):
    quota, rate = Rule(masters=("q",), keys_per_day=5), Rule(masters=("r",), keys_per_s=1.0)
    assert Admission(Policy((quota, rate)), store, Clock()).may_block("r", "s")
    assert not Admission(Policy((rate,)), store, Clock()).may_block("r", "s")
    with pytest.raises(Unauthorised):
        Admission(Policy((quota,)), store, Clock()).may_block("x", "s")


def test_a_rule_that_was_looked_up_while_others_came_is_not_remembered():
    gate = admission(Rule(masters=("a",)))
    old = gate.policy

    class Slow(Policy):
        def rule(self, master, slave):
            gate.govern(Policy((Rule(masters=("b",)),)))
            return old.rule(master, slave)

    gate.govern(Slow(old.rules))
    gate.require("a", ("x",))  # as it was when it was asked
    with pytest.raises(Unauthorised):
        gate.require("a", ("x",))
