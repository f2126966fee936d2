"""Reconciliation over a line with a delay: many blocks in flight, so that the one core always has one to work on.

Each message arrives half a round trip after it was sent; both parties share the core. The clock is emulated, so that
nobody sleeps and no other work on the machine counts: it shows the processor time spent, and the time for which
the core would have waited. The figure is that of the steady state, with as many blocks in flight at its end as at its
beginning.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import count
from time import process_time

import numpy as np
from numpy.typing import NDArray

from haris.quantum.distill import cascade
from haris.wire.block_message import Message
from haris.wire.distillation import Estimate

Bits = NDArray[np.uint8]
Party = Generator[Message | None, Message | None, object]


@dataclass(order=True, slots=True)
class _Letter:
    """A message on its way: when it arrives, and to whom. number: keeps the order of those that arrive together."""

    arrival_s: float
    number: int
    message: Message | None = field(compare=False)
    addressee: Party = field(compare=False)
    sender: Party = field(compare=False)


def blocks(qber: float, n_bits: int, n_different: int, rng: np.random.Generator) -> Iterator[tuple[Party, Party]]:
    """Bob and Alice of one block after another, without end. Their bits repeat after n_different; their seeds never."""
    alice = [np.packbits(rng.integers(0, 2, n_bits, dtype=np.uint8), bitorder="little") for _ in range(n_different)]
    bob = [bits ^ np.packbits(rng.random(n_bits) < qber, bitorder="little") for bits in alice]
    for number in count():
        estimate = Estimate(test_errors=(0,), seed=rng.bytes(32), levels=cascade.schedule(qber, n_bits))
        which = number % n_different
        yield cascade.correct(bob[which], n_bits, estimate), cascade.answer(alice[which], n_bits, estimate)


def seconds_a_block(new_block: Iterator[tuple[Party, Party]], n_in_flight: int, round_trip_s: float) -> float:
    """Mean time from one block's end to the next one's, while n_in_flight are under way."""
    flight = _Flight(round_trip_s / 2.0)
    for _ in range(n_in_flight):
        flight.launch(*next(new_block))
    moments: list[float] = []
    while len(moments) <= 2 * n_in_flight:
        if flight.deliver():
            moments.append(flight.now_s)
            flight.launch(*next(new_block))
    return (moments[-1] - moments[n_in_flight]) / n_in_flight


class _Flight:
    """All messages on their way."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._waited_s = 0.0
        self._letters: list[_Letter] = []
        self._numbers = count()

    @property
    def now_s(self) -> float:
        """The emulated clock."""
        return process_time() + self._waited_s

    def launch(self, bob: Party, alice: Party) -> None:
        """Begin a block: Bob's opening, which Alice has already (the driver gave her the Estimate), and her answer."""
        next(bob)
        self._send(next(alice), bob, alice)

    def deliver(self) -> bool:
        """Wait for the next message and let its addressee answer; True if that party has ended its block."""
        letter = heapq.heappop(self._letters)
        self._waited_s += max(0.0, letter.arrival_s - self.now_s)
        try:
            reply = letter.addressee.send(letter.message)
        except StopIteration:
            return True
        self._send(reply, letter.sender, letter.addressee)
        return False

    def _send(self, message: Message | None, addressee: Party, sender: Party) -> None:
        arrival_s = self.now_s + self._delay_s
        heapq.heappush(self._letters, _Letter(arrival_s, next(self._numbers), message, addressee, sender))
