"""Who is served next when more is asked than can be given at once.

Two levels of start-time fair queueing. Between priorities: a class gets a share in proportion to its weight 2^priority
while it has something to do, so that a higher one goes first by far, and the lowest still gets 1 part in 255 at the
worst: nobody starves. Within a priority: every application the same share, however many requests it pushes.

Source: P. Goyal, H. M. Vin, H. Cheng, "Start-time fair queueing", IEEE/ACM Trans. Networking 5, 690 (1997), section 2.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from haris.keys.policy import PRIORITIES
from haris.nouns.errors import KeyUnavailable, ParameterError

T = TypeVar("T")

MAX_WAITING = 1024


@dataclass(slots=True)
class _Class(Generic[T]):
    """One priority. start: its tag among the classes. clock: start tag of the item that was served last.

    finishes: finish tag of each application's last item. waiting: how many items each one has. heap: (start tag,
    number of arrival, cost, application, item).
    """

    start: float = 0.0
    clock: float = 0.0
    finishes: dict[str, float] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    heap: list[tuple[float, int, int, str, T]] = field(default_factory=list)


class FairQueue(Generic[T]):
    """Items that wait, by application and priority. Not safe for several threads at once."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        """max_waiting: items that one application may have in it."""
        self._classes: tuple[_Class[T], ...] = tuple(_Class() for _ in range(PRIORITIES))
        self._clock = 0.0
        self._arrivals: Iterator[int] = itertools.count()
        self._max_waiting = max_waiting
        self._n_items = 0

    def __len__(self) -> int:
        return self._n_items

    def push(self, sae: str, priority: int, cost: int, item: T) -> None:
        """Let an item wait. cost: what serving it takes, in keys. KeyUnavailable when sae has too many items here."""
        if not 0 <= priority < PRIORITIES or cost < 1:
            raise ParameterError(f"priority must lie in 0 to {PRIORITIES - 1} and cost be at least 1")
        each = self._classes[priority]
        if each.waiting.get(sae, 0) >= self._max_waiting:
            raise KeyUnavailable(f"SAE {sae} has {self._max_waiting} requests waiting")
        if not each.heap:
            each.start = max(each.start, self._clock)
        start = max(each.clock, each.finishes.get(sae, 0.0))
        each.finishes[sae] = start + cost
        each.waiting[sae] = each.waiting.get(sae, 0) + 1
        heapq.heappush(each.heap, (start, next(self._arrivals), cost, sae, item))
        self._n_items += 1

    def pop_batch(self, budget: int, at_most: int | None = None) -> list[T]:
        """The items to serve now, in order, of at most `budget` keys together; one at least, however large it is.

        at_most: no more items than that.
        """
        served: list[T] = []
        while self._n_items and (at_most is None or len(served) < at_most):
            priority = self._next_class()
            cost = self._classes[priority].heap[0][2]
            if served and cost > budget:
                break
            budget -= cost
            served.append(self._pop(priority))
        return served

    def _next_class(self) -> int:
        """The class with the smallest start tag; of equals the higher priority."""
        found, smallest = -1, float("inf")
        for priority in range(PRIORITIES - 1, -1, -1):
            each = self._classes[priority]
            if each.heap and each.start < smallest:
                found, smallest = priority, each.start
        return found

    def _pop(self, priority: int) -> T:
        each = self._classes[priority]
        start, _, cost, sae, item = heapq.heappop(each.heap)
        self._n_items -= 1
        self._clock, each.clock = each.start, start
        each.start += cost / 2**priority
        each.waiting[sae] -= 1
        if not each.waiting[sae]:
            del each.waiting[sae]
        if not each.heap:  # what has been is forgotten once nobody waits
            each.clock = max(each.finishes.values())
            each.finishes.clear()
        return item
