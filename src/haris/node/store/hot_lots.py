"""Lots that stay open between two transactions, and lots that are open within one."""

from __future__ import annotations

import threading
from bisect import bisect_right, insort

from haris.node.store.lots import Lot, wipe_all


class HotLots:
    """Lots that the last transaction left open, for the next one if it comes right after: nobody has touched them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number, self._lots = -1, list[Lot]()

    def hand_over(self, number: int, opened: list[Lot]) -> None:
        """Move them to the transaction of this number, or forget them when there was another between."""
        with self._lock:
            if self._number + 1 == number:
                opened += self._lots
            else:
                wipe_all(self._lots)
            self._lots = []

    def keep(self, number: int, lots: list[Lot]) -> None:
        """Keep what the transaction of this number, which is durable, left open."""
        with self._lock:
            wipe_all(self._lots)
            self._number, self._lots = number, lots

    def forget(self) -> None:
        """Forget them: no transaction follows."""
        with self._lock:
            wipe_all(self._lots)
            self._lots = []


class OpenLots:
    """Lots by the key_IDs that lie in them."""

    def __init__(self) -> None:
        self._firsts: list[bytes] = []
        self._lots: dict[bytes, Lot] = {}

    def add(self, lot: Lot) -> None:
        """Add a lot, which shares no key_ID with another; again is no error."""
        first = lot.key_id(0)
        if first not in self._lots:
            insort(self._firsts, first)
            self._lots[first] = lot

    def find(self, prefix: bytes, index: int) -> Lot | None:
        """The lot in which a key lies, or lay."""
        place = bisect_right(self._firsts, prefix + index.to_bytes(4, "big"))
        if not place:
            return None
        lot = self._lots[self._firsts[place - 1]]
        return lot if lot.prefix == prefix and index < lot.first + lot.n_keys else None
