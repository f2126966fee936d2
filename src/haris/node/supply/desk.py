"""The desk where applications' requests are served: those that wait together share one transaction, and one fsync.

When more wait than one transaction serves, they are served in the order of keys/fair_queue.py: by priority, and alike
for every application of one priority.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from haris.keys.fair_queue import FairQueue
from haris.keys.store import Fetch, LeaseStore, Outcome, Take
from haris.node.system.promise import Promise
from haris.nouns.errors import HarisError, KeyUnavailable, StoreError
from haris.nouns.key_batch import KeyBatch

_log = logging.getLogger(__name__)

MAX_BATCH = 256
"""Requests that one transaction serves at most."""

MAX_BATCH_KEYS = 32768
"""Keys that one transaction moves at most when more wait."""

Request = Take | Fetch
Keys = tuple[KeyBatch, ...]
Waiting = tuple[Request, Promise[Keys]]


class KeyDesk:
    """Serves one store, one transaction after the other, in a thread of its own."""

    def __init__(self, store: LeaseStore, priority: Callable[[str, str], int] = lambda master, slave: 0) -> None:
        """priority: 0 to 7, of master and slave."""
        self._store, self._priority = store, priority
        self._crowd: FairQueue[Waiting] = FairQueue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._queue: list[Waiting] = []
        self._busy = False

    def ask(self, request: Request) -> Promise[Keys]:
        """The keys of one request, or what the store answers with; whoever is told wipes them."""
        promise: Promise[Keys] = Promise()
        self._queue.append((request, promise))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._begin)  # with those that this turn of the loop still brings
        return promise

    def close(self) -> None:
        """Let the transaction that runs end; who waits learns that no other begins."""
        self._thread.shutdown()

    def _begin(self) -> None:
        while batch := self._next():
            try:
                self._thread.submit(self._work, asyncio.get_running_loop(), batch)
            except RuntimeError:  # its thread has ended
                for _, promise in batch:
                    promise.tell(StoreError("the desk is closed"))
            else:
                return
        self._busy = False

    def _next(self) -> list[Waiting]:
        """Whom the next transaction serves: all, unless there are too many."""
        arrived, self._queue = self._queue, []
        if not len(self._crowd) and len(arrived) <= MAX_BATCH:
            return arrived
        for waiting in arrived:
            request, promise = waiting
            sae = request.master if isinstance(request, Take) else request.slave
            cost = request.n_keys if isinstance(request, Take) else max(1, len(request.key_ids) // 16)
            try:
                self._crowd.push(sae, self._priority(request.master, request.slave), cost, waiting)
            except KeyUnavailable as error:
                promise.tell(error)
        return self._crowd.pop_batch(MAX_BATCH_KEYS, MAX_BATCH)

    def _work(self, loop: asyncio.AbstractEventLoop, batch: Sequence[Waiting]) -> None:
        """One transaction, in the desk's thread."""
        outcomes = self._served([request for request, _ in batch])
        loop.call_soon_threadsafe(self._end, batch, outcomes)

    def _served(self, requests: Sequence[Request]) -> list[Outcome] | HarisError:
        try:
            return self._store.serve(requests)
        except HarisError as error:
            return error
        except Exception:  # a fault of ours: it fails this batch, and must not stop the desk for ever
            _log.exception("the desk could not serve")
            return StoreError("the desk could not serve")

    def _end(self, batch: Sequence[Waiting], outcomes: list[Outcome] | HarisError) -> None:
        """The next transaction begins first: it runs while the answers of this one go out."""
        self._begin()
        each = [outcomes] * len(batch) if isinstance(outcomes, HarisError) else outcomes
        for (_, promise), outcome in zip(batch, each, strict=True):
            promise.tell(outcome)


async def kept(promise: Promise[Keys]) -> Keys:
    """The keys that a promise brings, or its error. When the caller is cancelled, they are wiped as they come."""
    future: asyncio.Future[Keys] = asyncio.get_running_loop().create_future()

    def keep(keys: Keys) -> None:
        if future.done():
            for batch in keys:
                batch.wipe()
        else:
            future.set_result(keys)

    def fail(error: Exception) -> None:
        if not future.done():
            future.set_exception(error)

    promise.then(keep, fail)
    return await future
