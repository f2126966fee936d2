"""Drives the deliveries of one key manager: blocking steps in its threads, questions to the peers on the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from haris.keys.supply import AskPeers, PeerReply, Supply
from haris.node.kme_peers import KmePeers
from haris.nouns.assignments import Assignment
from haris.nouns.errors import HarisError, KeyUnavailable, PeerError, StoreError
from haris.wire import etsi014, kme

_THREADS = 4
_VOID_BATCH = 256

Result = TypeVar("Result")
Step = AskPeers | etsi014.KeyContainer
Delivery = Generator[AskPeers, tuple[PeerReply, ...], etsi014.KeyContainer]


class Deliveries:
    """Deliveries that run, and the voids that failed ones owe. While a peer is asked, no thread waits."""

    def __init__(self, supply: Supply, peers: KmePeers, void_retry_s: float) -> None:
        self._supply = supply
        self._peers = peers
        self._retry_s = void_retry_s
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="kme")
        self._running: set[asyncio.Task[etsi014.KeyContainer]] = set()
        self._owed = asyncio.Event()
        self._owed.set()
        self._voiding: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Settle what a crash left, then keep telling the peers what they are owed."""
        await self.blocking(self._supply.recover)
        self._voiding = asyncio.create_task(self._tell_voids())

    async def close(self) -> None:
        """Let the deliveries end; stop the rest."""
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._voiding is not None:
            self._voiding.cancel()
            await asyncio.gather(self._voiding, return_exceptions=True)
        self._pool.shutdown()

    async def blocking(self, work: Callable[[], Result]) -> Result:
        """Run what blocks in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def deliver(self, delivery: Delivery) -> etsi014.KeyContainer:
        """Drive one delivery to its end, even when the caller is gone."""
        task = asyncio.create_task(self._drive(delivery))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _drive(self, delivery: Delivery) -> etsi014.KeyContainer:
        replies: tuple[PeerReply, ...] | None = None
        try:
            while True:
                step = await self.blocking(partial(_advance, delivery, replies))
                if isinstance(step, etsi014.KeyContainer):
                    return step
                replies = tuple(await asyncio.gather(*(self._announce(*each) for each in step.assignments)))
        except KeyUnavailable:
            self._owed.set()
            raise

    async def _announce(self, site: str, assignments: tuple[Assignment, ...]) -> PeerReply:
        try:
            await self._peers.ask(site, kme.ASSIGN, kme.write_assign(assignments))
        except HarisError as error:
            return PeerReply(accepted=False, reason=str(error))
        return PeerReply(accepted=True)

    async def _tell_voids(self) -> None:
        """Tell each peer what it is owed, again and again until it is reached."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._retry_s):
                    await self._owed.wait()
            self._owed.clear()
            for site in self._peers.sites:
                with contextlib.suppress(KeyUnavailable, PeerError, StoreError):
                    await self._tell(site)

    async def _tell(self, site: str) -> None:
        voids = await self.blocking(lambda: self._supply.store.voids_owed(site))
        for first in range(0, len(voids), _VOID_BATCH):
            batch = voids[first : first + _VOID_BATCH]
            key_ids = [void.key_id for void in batch]
            await self._peers.ask(site, kme.VOID, kme.write_void(batch))
            await self.blocking(partial(self._supply.store.void_told, site, key_ids))


def _advance(delivery: Delivery, replies: tuple[PeerReply, ...] | None) -> Step:
    """One step of a generator as a plain return, since a StopIteration cannot cross a future."""
    try:
        return next(delivery) if replies is None else delivery.send(replies)
    except StopIteration as end:
        container: etsi014.KeyContainer = end.value
        return container
