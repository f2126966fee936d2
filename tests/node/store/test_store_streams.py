"""The stream verbs of the store: over SQLite here, over PostgreSQL from test_store_postgres.py."""

import threading
from dataclasses import replace
from uuid import UUID

from test_store import opened  # noqa: F401  (a fixture)

from haris.nouns.streams import Stream, StreamChunk

NAME = UUID(int=5)
STREAM = Stream(NAME, "alice", "bob", "bank", 32, 32, drawn=True)


def test_a_stream_outlives_its_store(opened):  # noqa: F811
    store = opened()
    assert store.open_end(STREAM, "alice", b"1") == STREAM
    assert store.open_end(replace(STREAM, source="bob", destination="alice"), "bob", b"2") == STREAM
    store.order_chunk(NAME, 0)
    assert store.chunk_born(NAME, 0, 1, 9)
    store.reach_chunk(NAME, "bob", 0, 0)
    store.close()
    store = opened()
    assert store.stream(NAME) == STREAM
    ends = store.stream_ends(NAME)
    assert {sae: (end.terms, end.reached, end.is_open) for sae, end in ends.items()} == {
        "alice": (b"1", 0, True),
        "bob": (b"2", 1, True),
    }
    assert store.find_chunk(NAME, 0) == StreamChunk(0, 1, 9)
    assert store.last_chunk(NAME) == 0
    assert (store.stream(UUID(int=1)), store.stream_ends(UUID(int=1)), store.last_chunk(UUID(int=1))) == (None, {}, -1)


def test_what_does_not_fit_opens_no_end(opened):  # noqa: F811
    store = opened()
    store.open_end(STREAM, "alice", b"")
    for other in (replace(STREAM, destination="carol"), replace(STREAM, chunk_octets=64)):
        assert store.open_end(other, "bob", b"") == STREAM
    assert set(store.stream_ends(NAME)) == {"alice"}


def test_a_drawn_stream_waits_for_its_other_end(opened):  # noqa: F811
    store = opened()
    for number in (7, 6):
        store.open_end(replace(STREAM, key_stream_id=UUID(int=number)), "alice", b"")
    store.open_end(replace(STREAM, key_stream_id=UUID(int=1), drawn=False), "alice", b"")
    assert store.waiting_stream("alice", "bob", "alice") is None
    assert store.waiting_stream("bob", "alice", "bob") is None
    waiting = store.waiting_stream("alice", "bob", "bob")
    assert waiting is not None
    assert waiting.key_stream_id == UUID(int=7)  # the oldest
    store.open_end(waiting, "bob", b"")
    assert store.waiting_stream("alice", "bob", "bob").key_stream_id == UUID(int=6)
    store.close_end(UUID(int=6), "alice")
    assert store.waiting_stream("alice", "bob", "bob") is None


def test_a_stream_is_over_when_both_ends_have_closed(opened):  # noqa: F811
    store = opened()
    store.open_end(STREAM, "alice", b"")
    store.open_end(STREAM, "bob", b"")
    store.order_chunk(NAME, 3)
    assert store.close_end(NAME, "alice")
    assert not store.close_end(NAME, "alice")
    assert not store.open_end(STREAM, "alice", b"").over  # it may come back
    assert [store.close_end(NAME, sae) for sae in ("alice", "bob", "carol")] == [True, True, False]
    assert store.stream(NAME).over
    assert store.open_end(STREAM, "alice", b"").over
    assert (store.stream_ends(NAME), store.find_chunk(NAME, 3)) == ({}, None)


def test_of_many_attempts_one_is_recorded(opened):  # noqa: F811
    store = opened()
    attempts, won = [], []
    gate = threading.Barrier(4)

    def order():
        gate.wait()
        attempts.append(store.order_chunk(NAME, 0))

    def record(attempt):
        gate.wait()
        won.append(store.chunk_born(NAME, 0, attempt, attempt))

    for threads in (
        [threading.Thread(target=order) for _ in range(4)],
        [threading.Thread(target=record, args=(attempt,)) for attempt in (1, 2, 3, 4)],
    ):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(attempts) == [1, 2, 3, 4]
    assert sorted(won) == [False, False, False, True]
    assert store.find_chunk(NAME, 0) == StreamChunk(0, 4, 4)
    assert store.order_chunk(NAME, 0) is None
    assert not store.chunk_born(NAME, 0, 4, 5)


def test_chunks_below_the_floor_are_forgotten_and_an_end_never_goes_back(opened):  # noqa: F811
    store = opened()
    store.open_end(STREAM, "alice", b"")
    for index in range(4):
        store.order_chunk(NAME, index)
    store.reach_chunk(NAME, "alice", 3, 2)
    store.reach_chunk(NAME, "alice", 0, 0)
    assert store.stream_ends(NAME)["alice"].reached == 4
    assert [store.find_chunk(NAME, index) is not None for index in range(4)] == [False, False, True, True]


def test_what_nobody_uses_any_more_is_forgotten_and_what_is_in_use_is_not(opened):  # noqa: F811
    store = opened()
    for number in (1, 2, 3):
        store.open_end(replace(STREAM, key_stream_id=UUID(int=number)), "alice", b"")
        store.open_end(replace(STREAM, key_stream_id=UUID(int=number)), "bob", b"")
        store.order_chunk(UUID(int=number), 0)
    for sae in ("alice", "bob"):
        store.close_end(UUID(int=1), sae)
    with store._database.transaction() as tx:
        (opened_ns,) = tx.one("SELECT max(used_ns) FROM stream_uses")
    assert store.forget_streams(opened_ns) == 0
    long_ago(store)
    store.reach_chunk(UUID(int=2), "bob", 0, 0)
    store.use_stream(UUID(int=3))
    assert store.forget_streams(opened_ns) == 1  # over, and its identifier was remembered until now
    assert [store.stream(UUID(int=number)) is None for number in (1, 2, 3)] == [True, False, False]
    long_ago(store)
    assert store.forget_streams(opened_ns) == 2
    with store._database.transaction() as tx:
        for table in ("streams", "stream_ends", "stream_chunks", "stream_uses"):
            assert tx.all(f"SELECT * FROM {table}") == []


def test_a_stream_of_a_release_that_noted_no_use_is_as_old_as_today(opened):  # noqa: F811
    store = opened()
    store.open_end(STREAM, "alice", b"")
    with store._database.transaction() as tx:
        (opened_ns,) = tx.one("SELECT used_ns FROM stream_uses")
        tx.change("DELETE FROM stream_uses")
    assert store.forget_streams(opened_ns) == 0
    assert store.stream(NAME) == STREAM
    long_ago(store)
    assert store.forget_streams(opened_ns) == 1


def long_ago(store):
    with store._database.transaction() as tx:
        tx.change("UPDATE stream_uses SET used_ns = used_ns - ?", 10**12)
