"""The aging of one site's keys: what is too old, or was never fetched, is burnt here, and the other sites are told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Protocol

from haris.keys.store import BurnStore
from haris.keys.streams import StreamStore
from haris.nouns.errors import StoreError

LOOK_S = 5.0
"""A key outlives its limit by so long at most, as far as this site and the way to the other one are in order."""


class AgingStore(BurnStore, StreamStore, Protocol):
    """What ages."""


class Aging:
    """Which keys end at one site. peers: the other sites, as they are at each look. max_age_s: of stock, None for any.

    fetch_within_s: of what was delivered, and of streams that nobody uses.
    """

    def __init__(
        self, store: AgingStore, site: str, peers: Collection[str], max_age_s: float | None, fetch_within_s: float
    ) -> None:
        self._store, self._site, self._peers = store, site, peers
        self._max_age_s, self._fetch_within_s = max_age_s, fetch_within_s

    def steps(self, now_ns: int) -> list[Callable[[], int]]:
        """What is to be done at a time, each step again while it returns more than 0, and others between."""
        unfetched_ns = now_ns - int(self._fetch_within_s * 1e9)
        steps: list[Callable[[], int]] = [
            partial(self._store.forget_assigned, unfetched_ns),
            partial(self._store.forget_streams, unfetched_ns),
        ]
        for peer in self._peers:
            steps.append(partial(self._store.forget_unfetched, peer, self._site, unfetched_ns))
            if self._max_age_s is not None:
                born_ns = now_ns - int(self._max_age_s * 1e9)
                steps.append(partial(self._store.expire_stock, peer, self._site, born_ns))
        return steps

    async def run(self, blocking: Callable[[Callable[[], int]], Awaitable[int]], owed: Callable[[], None]) -> None:
        """Burn for ever. blocking: runs what blocks in a thread. owed: told when other sites are to be told."""
        while True:
            try:
                for step in self.steps(time.time_ns()):
                    while await blocking(step):
                        owed()
            except StoreError:
                pass  # the store is out of order: who serves from it says so
            await asyncio.sleep(LOOK_S)
