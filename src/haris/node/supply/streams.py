"""The key streams of one key manager: each question goes to the site that owns the stream, this one or another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from uuid import UUID
from weakref import WeakValueDictionary

from haris.keys.streams import StreamOwner, StreamStore
from haris.keys.supply import EmulatedKeyRefused, Supply
from haris.node.configuration.interworking import ASK_TIMEOUT_S
from haris.node.supply.delivery import Deliveries
from haris.node.supply.peers import KmePeers
from haris.nouns.errors import HarisError, PeerError
from haris.wire.etsi004 import Status
from haris.wire.streams import (
    VERB,
    Ask,
    DrawChunk,
    LookAtStream,
    OpenEnd,
    Reply,
    read_ask,
    read_reply,
    write_ask,
    write_reply,
)


class KmeStreams:
    """Asks the owners of streams, and answers for those that this site owns.

    now_ns: wall clock, nanoseconds since 1970. report: told of each error that is more than a refusal.
    """

    def __init__(
        self,
        owner: StreamOwner,
        deliveries: Deliveries,
        peers: KmePeers,
        now_ns: Callable[[], int],
        report: Callable[[HarisError], None] = lambda error: None,
    ) -> None:
        self._owner, self.deliveries, self._peers = owner, deliveries, peers
        self._now_ns, self.report = now_ns, report
        self._drawing: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._opening = asyncio.Lock()

    @property
    def supply(self) -> Supply:
        """The supply that chunks come from."""
        return self._owner.supply

    @property
    def store(self) -> StreamStore:
        """What is known of streams here."""
        return self._owner.store

    async def ask(self, owner: str, ask: Ask, timeout_s: float = ASK_TIMEOUT_S) -> Reply:
        """The owner's reply. PeerError when it refuses, KeyUnavailable when it cannot be reached in time."""
        if owner == self.supply.directory.site:
            return await self._answer(ask)
        return read_reply(await self._peers.ask(owner, VERB, write_ask(ask), timeout_s))

    async def handle(self, site: str, body: bytes) -> bytes:
        """The verb `stream` of the peer face: site asks for an application that lives there."""
        ask = read_ask(body)
        if self.supply.directory.saes.get(ask.sae) != site:
            raise PeerError(f"SAE {ask.sae} does not live at {site}")
        return write_reply(await self._answer(ask))

    async def _answer(self, ask: Ask) -> Reply:
        if isinstance(ask, DrawChunk):
            return await self._draw(ask)
        if isinstance(ask, OpenEnd):
            async with self._opening:  # of two ends that ask at once, one finds the other's stream waiting
                return await self.deliveries.blocking(partial(self._owner.open, ask))
        if isinstance(ask, LookAtStream):
            return await self.deliveries.blocking(partial(self._owner.look, ask))
        return await self.deliveries.blocking(partial(self._owner.close, ask))

    async def _draw(self, ask: DrawChunk) -> Reply:
        """One at a time for each stream, so that both ends who ask at once have one chunk assigned."""
        lock = self._drawing.setdefault(ask.key_stream_id, asyncio.Lock())
        async with lock:
            try:
                return await self.deliveries.deliver(self._owner.draw(ask, self._now_ns()))
            except EmulatedKeyRefused as error:
                self.report(error)
                return Reply(Status.NO_QKD_CONNECTION)
