"""Blocks in flight over a line with a delay."""

import numpy as np
import pytest

from haris.bench import round_trips


def parties(n_trips):
    """Two engines that do nothing, for that many round trips after the first message."""

    def bob():
        for _ in range(n_trips + 1):
            yield "question"

    def alice():
        while True:
            yield "answer"

    while True:
        yield bob(), alice()


@pytest.fixture(autouse=True)
def no_work(monkeypatch):
    """An emulated clock that nothing but waiting moves."""
    monkeypatch.setattr(round_trips, "process_time", lambda: 0.0)


def test_one_block_takes_its_round_trips():
    # Alice has the opening at once; her answer to it takes half a round trip.
    assert round_trips.seconds_a_block(parties(100), 1, 1.0) == pytest.approx(100.5)


def test_many_blocks_share_the_wait():
    assert round_trips.seconds_a_block(parties(100), 50, 1.0) == pytest.approx(2.01)


def test_without_a_delay_nothing_waits():
    assert round_trips.seconds_a_block(parties(10), 5, 0.0) == 0.0


def test_blocks_end():
    new_block = round_trips.blocks(0.03, 5000, 2, np.random.default_rng(1))
    assert round_trips.seconds_a_block(new_block, 3, 0.01) > 0.0
