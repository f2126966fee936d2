"""Leases of one site: keys handed to pairs ahead of their requests, and taken back from those that rest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from haris.keys.leases import Demand
from haris.keys.store import Take
from haris.keys.supply import Supply
from haris.node.supply.peers import KmePeers
from haris.nouns.alarms import Alarm, Severity
from haris.nouns.assignments import Lease
from haris.nouns.errors import HarisError, KeyUnavailable, PeerError
from haris.wire import kme

MOST_AT_ONCE = 1 << 13
"""Keys leased in one step, at most: while the store leases, at either site, deliveries wait."""

IDLE_S = 2.0
"""A lease that nobody has drawn from for so long is called back when the pool that it came from is dry."""

Pair = tuple[str, str]
R = TypeVar("R")


class Blocking(Protocol):
    """Runs what blocks in a thread."""

    def __call__(self, work: Callable[[], R]) -> Awaitable[R]:
        """The result of work."""


class Leasing:
    """Keeps each pair's leases at what it draws in a second, and makes more when a request finds too few."""

    def __init__(self, supply: Supply, peers: KmePeers, blocking: Blocking) -> None:
        self._supply, self._peers, self._blocking = supply, peers, blocking
        self._demand: dict[Pair, Demand] = {}
        self._running: dict[Pair, asyncio.Task[None]] = {}

    def drawn(self, take: Take) -> None:
        """A pair has drawn keys; more are leased in the background when few are left."""
        demand = self._of(take)
        demand.drawn(take.n_keys, time.time_ns())
        if demand.is_low(time.time_ns()):
            self._begin(take).add_done_callback(_forget)

    async def ensure(self, take: Take) -> None:
        """Lease what a request lacks, together with those of its pair that wait beside it.

        KeyUnavailable when the pool is dry, or the other site away or unwilling.
        """
        demand = self._of(take)
        demand.n_asked += take.n_keys
        try:
            running = self._running.get((take.master, take.slave))
            if running is not None:
                with contextlib.suppress(HarisError):
                    await asyncio.shield(running)
                if demand.n_leased >= demand.n_asked:
                    return
            await asyncio.shield(self._begin(take))
        except PeerError as error:
            raise KeyUnavailable(f"the other site does not admit a lease: {error}") from None
        finally:
            demand.n_asked -= take.n_keys

    async def settle(self) -> None:
        """Tell each peer again what it may not have heard. Raises nothing: a site that is away is told later."""
        store = self._supply.store
        for site in self._peers.sites:
            with contextlib.suppress(KeyUnavailable, PeerError):
                await self._offer(site, await self._blocking(partial(store.leases_in_doubt, site)))
            with contextlib.suppress(KeyUnavailable, PeerError):
                await self._call_back(site, await self._blocking(partial(store.recalls_in_doubt, site)))

    async def close(self) -> None:
        """Stop leasing; what is on its way is told again after the next start."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _of(self, take: Take) -> Demand:
        return self._demand.setdefault((take.master, take.slave), Demand())

    def _begin(self, take: Take) -> asyncio.Task[None]:
        pair = take.master, take.slave
        if pair not in self._running:
            task = asyncio.create_task(self._lease(take))
            self._running[pair] = task
            task.add_done_callback(lambda _: self._running.pop(pair, None))
        return self._running[pair]

    async def _lease(self, take: Take) -> None:
        site = self._supply.directory.require_site(take.slave)
        demand = self._of(take)
        n_keys = await self._blocking(partial(self._wanted, take, site, demand))
        leases = await self._offered(take, n_keys)
        if not leases and demand.n_asked > demand.n_leased:
            idle_ns = time.time_ns() - int(IDLE_S * 1e9)
            await self._call_back(site, await self._blocking(partial(self._supply.store.recall_leases, site, idle_ns)))
            n_keys = await self._blocking(partial(self._wanted, take, site, demand))
            leases = await self._offered(take, n_keys)
            if not leases:
                raise await self._blocking(partial(self._supply.dry, take))
        n_wanted = n_keys
        while leases:
            try:
                await self._offer(site, leases)
            except PeerError:
                if n_keys == n_wanted:
                    raise
                break  # a step before this one brought keys: who waits takes those
            n_keys -= sum(lease.n_left for lease in leases)
            leases = await self._offered(take, n_keys)
        demand.n_leased = await self._blocking(partial(self._supply.store.count_leased, take.master, take.slave))

    def _wanted(self, take: Take, site: str, demand: Demand) -> int:
        """Keys to lease now, in all: by what the pool holds before the first of them is taken."""
        demand.n_leased = self._supply.store.count_leased(take.master, take.slave)
        return demand.lease_size(self._supply.ready_key_count(site), time.time_ns())

    async def _offered(self, take: Take, n_keys: int) -> tuple[Lease, ...]:
        """The next of n_keys that are to be leased; none when there are no more of them."""
        if n_keys <= 0:
            return ()
        step = min(n_keys, MOST_AT_ONCE)
        return await self._blocking(partial(self._supply.offer_leases, take.master, take.slave, step))

    async def _offer(self, site: str, leases: tuple[Lease, ...]) -> None:
        """Have site admit leases; what it may not have heard is offered again later. PeerError when it admits none."""
        refused = [error for batch in kme.batches(leases) for error in await self._refused(site, batch)]
        if refused and len(refused) == len(leases):
            raise refused[0]

    async def _refused(self, site: str, leases: Sequence[Lease]) -> list[PeerError]:
        """Have site admit leases of one message. Why it refuses which: found by halves, for a message is heard whole
        or not at all, and burnt."""
        settle = self._supply.store.settle_leases
        try:
            await self._peers.ask(site, kme.LEASE, kme.write_leases(leases))
        except PeerError as error:
            if len(leases) > 1:
                middle = len(leases) // 2
                return [*await self._refused(site, leases[:middle]), *await self._refused(site, leases[middle:])]
            (lease,) = leases
            await self._blocking(partial(settle, site, leases, admitted=False))
            text = f"{site} refuses to lease {lease.n_keys} keys to {lease.master} and {lease.slave}: they are burnt"
            self._peers.file_alarm(Alarm(Severity.MINOR, site, f"{text} ({error})"))
            return [error]
        await self._blocking(partial(settle, site, leases, admitted=True))
        return []

    async def _call_back(self, site: str, leases: tuple[Lease, ...]) -> None:
        for batch in kme.batches(leases):
            yielded = kme.read_leases(await self._peers.ask(site, kme.YIELD, kme.write_leases(batch)))
            if [_place(lease) for lease in yielded] != [_place(lease) for lease in batch]:
                raise PeerError(f"{site} yields other keys than those that were called back")
            # a peer of an older release does not repeat the term
            same = [replace(lease, term=asked.term) for lease, asked in zip(yielded, batch, strict=True)]
            await self._blocking(partial(self._supply.store.return_leases, site, same))


def _place(lease: Lease) -> tuple[bytes, int, int]:
    return lease.prefix, lease.first, lease.n_keys


def _forget(task: asyncio.Task[None]) -> None:
    """A lease made ahead that failed is nobody's error: who asks next learns of it."""
    if not task.cancelled():
        task.exception()
