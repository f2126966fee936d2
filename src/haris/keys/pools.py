"""Pools: the stored keys that this site shares with another one, by their owner."""

from __future__ import annotations

from dataclasses import dataclass

from haris.keys.store import ANY_GRADE, Grade, StockStore


@dataclass(frozen=True, slots=True)
class Pool:
    """READY keys of 256 bits. capacity: how many keys the pool may hold; what comes beyond it is burnt."""

    store: StockStore
    peer: str
    owner: str
    capacity: int

    def stored_key_count(self, grade: Grade = ANY_GRADE) -> int:
        """Keys of that grade that can be delivered now, never above capacity."""
        return min(self.store.count_ready(self.peer, self.owner, grade), self.capacity)

    def room(self) -> int:
        """Keys that may still enter."""
        return self.capacity - self.stored_key_count()
