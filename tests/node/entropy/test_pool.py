import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.node.entropy.pool import Pool
from haris.nouns.errors import KeyUnavailable, ParameterError


def opened(limit: int) -> Pool:
    pool = Pool(limit, "not begun")
    pool.open()
    return pool


@given(st.integers(1, 40), st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=40))
def test_octets_leave_in_their_order_and_once(limit: int, steps: list[tuple[bool, int]]) -> None:
    pool, put, taken, number = opened(limit), bytearray(), bytearray(), 0
    for adding, n_octets in steps:
        if adding:
            octets = bytes((number + i) % 251 for i in range(n_octets))
            n_put = pool.put(octets, 0.0)
            assert n_put == min(n_octets, limit - (len(put) - len(taken)))
            put += octets[:n_put]
            number += n_put
        elif n_octets <= pool.n_ready:
            taken += pool.take(n_octets)
        else:
            with pytest.raises(KeyUnavailable):
                pool.take(n_octets)
        assert pool.n_ready == len(put) - len(taken)
    taken += pool.take(pool.n_ready)
    assert taken == put
    assert (pool.n_put, pool.n_taken) == (len(put), len(taken))
    assert not any(pool._ring)  # what was given is not kept


def test_a_closed_pool_gives_nothing_takes_nothing_and_keeps_nothing() -> None:
    pool = Pool(8, "not begun")
    with pytest.raises(KeyUnavailable, match="not begun"):
        pool.take(1)
    assert pool.put(b"x", 0.0) == 0
    pool.open()
    assert pool.put(b"abcdefgh", 0.0) == 8
    pool.close("the source is stuck")
    with pytest.raises(KeyUnavailable, match="stuck"):
        pool.take(1)
    assert not any(pool._ring)
    pool.open()
    assert (pool.n_ready, pool.epoch) == (0, 2)


def test_a_reserve_is_left() -> None:
    pool = opened(10)
    pool.put(bytes(range(10)), 0.0)
    with pytest.raises(KeyUnavailable):
        pool.take(5, leave=6)
    assert pool.take(4, leave=6) == bytes(range(4))
    assert pool.take(6) == bytes(range(4, 10))


def test_who_puts_waits_for_room_and_no_longer() -> None:
    pool = opened(4)
    pool.put(b"abcd", 0.0)
    assert pool.put(b"e", 0.01) == 0
    timer = threading.Timer(0.05, pool.take, (2,))
    timer.start()
    assert pool.put(b"ef", 5.0) == 2
    timer.join()
    assert pool.take(4) == b"cdef"


def test_a_limit() -> None:
    with pytest.raises(ParameterError, match="limit"):
        Pool(0, "")
