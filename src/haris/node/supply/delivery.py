"""Drives the deliveries of one key manager: blocking steps in its threads, questions to the peers on the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from haris.keys.store import Fetch, Take
from haris.keys.supply import AskPeers, Order, PeerReply, Supply
from haris.node.supply.desk import KeyDesk, Keys, kept
from haris.node.supply.leasing import Leasing
from haris.node.supply.peers import KmePeers
from haris.node.system.promise import Promise
from haris.nouns.assignments import Assignment
from haris.nouns.errors import HarisError, KeyUnavailable, PeerError, StoreError
from haris.nouns.key_batch import batches_of
from haris.nouns.keys import KEY_OCTETS
from haris.wire import kme

_THREADS = 4
_VOID_BATCH = 256

Result = TypeVar("Result")
Delivery = Generator[AskPeers, tuple[PeerReply, ...], Result]

LEASE_TRIES = 32
"""How often a request asks for more leases before it learns that there are none: others may draw them first."""


@dataclass(frozen=True, slots=True)
class _End(Generic[Result]):
    result: Result


class Deliveries:
    """Deliveries that run, and the voids that failed ones owe. While a peer is asked, no thread waits."""

    def __init__(self, supply: Supply, peers: KmePeers, void_retry_s: float) -> None:
        self.supply = supply
        self._peers = peers
        self._retry_s = void_retry_s
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="kme")
        self._desk = KeyDesk(supply.store, supply.admission.priority)
        self.leasing = Leasing(supply, peers, self.blocking)
        self._running: set[asyncio.Task[Any]] = set()
        self._telling: set[asyncio.Task[Any]] = set()
        self._owed = asyncio.Event()
        self._owed.set()
        self._voiding: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Settle what a crash left, then keep telling the peers what they are owed."""
        await self.blocking(self.supply.recover)
        self._voiding = asyncio.create_task(self._tell_voids())

    async def close(self) -> None:
        """Let the deliveries end; stop the rest."""
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._voiding is not None:
            self._voiding.cancel()
            await asyncio.gather(self._voiding, return_exceptions=True)
        await self.leasing.close()
        self._desk.close()
        self._pool.shutdown()

    async def blocking(self, work: Callable[[], Result]) -> Result:
        """Run what blocks in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def order(self, order: Order) -> Keys:
        """As `ordered`, for whoever waits in a task."""
        return await kept(self.ordered(order))

    async def fetch(self, request: Fetch) -> Keys:
        """As `fetched`, for whoever waits in a task."""
        return await kept(self.fetched(request))

    def ordered(self, order: Order) -> Promise[Keys]:
        """Fresh keys for a master, from leases or by an assignment. Raises and tells as Supply.take and enc_keys do."""
        take = self.supply.take(order)
        if take is None:
            return self._told_by(self._assigned(order))
        admission, asked = self.supply.admission, (take.master, (take.slave,), take.n_keys, 8 * KEY_OCTETS)
        if not admission.policy.rules:
            return self._taken(take)
        if admission.may_block(take.master, take.slave):
            return self._told_by(self._admitted(take))
        admission.admit(*asked)

        def give_back(error: Exception) -> Keys:
            admission.give_back(*asked)
            raise error

        return self._taken(take).rescued(give_back)

    def fetched(self, request: Fetch) -> Promise[Keys]:
        """Keys for a slave. Tells errors as LeaseStore.serve says, and EmulatedKeyRefused."""

        def deliverable(keys: Keys) -> Keys:
            self.supply.require_deliverable(keys)
            return keys

        return self._desk.ask(request).then(deliverable)

    async def deliver(self, delivery: Delivery[Result]) -> Result:
        """Drive one delivery to its end, even when the caller is gone."""
        task = asyncio.create_task(self._drive(delivery))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    def _taken(self, take: Take) -> Promise[Keys]:
        """Keys of the pair's leases; where they are too few, more are leased first."""
        taken: Promise[Keys] = Promise()
        context = copy_context()  # of the request: its trace

        def drawn(keys: Keys) -> None:
            self.leasing.drawn(take)
            taken.tell(keys)

        def lacking(error: Exception) -> None:
            if isinstance(error, KeyUnavailable):
                context.run(self._told_by, self._leased(take), taken)
            else:
                taken.tell(error)

        self._desk.ask(take).then(drawn, lacking)
        return taken

    async def _leased(self, take: Take) -> Keys:
        """Lease more, then take."""
        for _ in range(LEASE_TRIES):
            await self.leasing.ensure(take)
            try:
                keys = await kept(self._desk.ask(take))
            except KeyUnavailable:
                continue
            self.leasing.drawn(take)
            return keys
        raise await self.blocking(partial(self.supply.dry, take))

    async def _admitted(self, take: Take) -> Keys:
        """Take under a rule that may have to wait for the store."""
        admission, asked = self.supply.admission, (take.master, (take.slave,), take.n_keys, 8 * KEY_OCTETS)
        await self.blocking(partial(admission.admit, *asked))
        try:
            return await kept(self._taken(take))
        except BaseException:
            await self.blocking(partial(admission.give_back, *asked))
            raise

    async def _assigned(self, order: Order) -> Keys:
        return batches_of(await self.deliver(self.supply.enc_keys(order)))

    def _told_by(self, work: Coroutine[Any, Any, Keys], promise: Promise[Keys] | None = None) -> Promise[Keys]:
        """What a task will have done."""
        promised = promise or Promise[Keys]()
        task = asyncio.create_task(work)
        self._telling.add(task)

        def tell(done: asyncio.Task[Keys]) -> None:
            self._telling.discard(done)
            error = StoreError("a delivery was cut short") if done.cancelled() else done.exception()
            if isinstance(error, Exception):
                promised.tell(error)
            elif error is None:
                promised.tell(done.result())

        task.add_done_callback(tell)
        return promised

    async def _drive(self, delivery: Delivery[Result]) -> Result:
        replies: tuple[PeerReply, ...] | None = None
        try:
            while True:
                step = await self.blocking(partial(_advance, delivery, replies))
                if isinstance(step, _End):
                    return step.result
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

    def hurry(self) -> None:
        """Something is owed since now."""
        self._owed.set()

    async def _tell_voids(self) -> None:
        """Tell each peer what it is owed, again and again until it is reached."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._retry_s):
                    await self._owed.wait()
            self._owed.clear()
            with contextlib.suppress(StoreError):
                await self.blocking(self.supply.settle)
            for site in self._peers.sites:
                with contextlib.suppress(KeyUnavailable, PeerError, StoreError):
                    await self._tell(site)
            with contextlib.suppress(StoreError):
                await self.leasing.settle()

    async def _tell(self, site: str) -> None:
        voids = await self.blocking(lambda: self.supply.store.voids_owed(site))
        for first in range(0, len(voids), _VOID_BATCH):
            batch = voids[first : first + _VOID_BATCH]
            key_ids = [void.key_id for void in batch]
            await self._peers.ask(site, kme.VOID, kme.write_void(batch))
            await self.blocking(partial(self.supply.store.void_told, site, key_ids))
        while words := await self.blocking(partial(self.supply.store.words_owed, site)):
            for word in words:
                await self._peers.ask(site, word.verb, word.body)
                await self.blocking(partial(self.supply.store.word_told, site, word))


def _advance(delivery: Delivery[Result], replies: tuple[PeerReply, ...] | None) -> AskPeers | _End[Result]:
    """One step of a generator as a plain return, since a StopIteration cannot cross a future."""
    try:
        return next(delivery) if replies is None else delivery.send(replies)
    except StopIteration as end:
        return _End(end.value)
