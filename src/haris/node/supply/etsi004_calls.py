"""The three calls of ETSI GS QKD 004 as one application makes them at its own key manager, with their time-outs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from uuid import UUID

import msgspec

from haris.keys.stream_terms import owner_site, sae_of_uri
from haris.keys.streams import StreamStore, chunk_fetch, join_chunk, metadata_needed, read_terms, write_metadata
from haris.node.configuration.interworking import ASK_TIMEOUT_S
from haris.node.supply.request_watch import Denied
from haris.node.supply.streams import KmeStreams
from haris.nouns.errors import (
    HarisError,
    KeyNotFound,
    KeyUnavailable,
    ParameterError,
    PeerError,
    StoreError,
    Unauthorised,
)
from haris.nouns.keys import Pedigree
from haris.nouns.streams import Stream
from haris.wire.etsi004 import (
    NEXT_INDEX,
    NO_STREAM,
    Answer,
    Close,
    Closed,
    GetKey,
    KeyGiven,
    OpenConnect,
    Opened,
    QoS,
    Request,
    Status,
)
from haris.wire.streams import Ask, CloseEnd, DrawChunk, LookAtStream, OpenEnd, Reply

Given = Callable[[str, Pedigree], None]
"""Told of every chunk that leaves: (SAE ID, its pedigree)."""

Result = TypeVar("Result")

_ASK_AGAIN_S = 0.1
_SYMMETRIC = 0
_QUITE_WRONG = (PeerError, ParameterError, Unauthorised, StoreError)


class Calls:
    """Answers the calls. attached: the ends that connections which are still there have opened."""

    def __init__(
        self, streams: KmeStreams, given: Given = lambda sae, pedigree: None, refused: Denied = lambda *told: None
    ) -> None:
        self._streams, self._given, self._refused = streams, given, refused
        self._site, self._saes = streams.supply.directory.site, streams.supply.directory.saes
        self._attached: dict[tuple[UUID, str], object] = {}

    async def answer(self, caller: str, request: Request, connection: object) -> Answer:
        """The answer to a call. caller: SAE ID in the certificate. connection: over which it came."""
        if isinstance(request, OpenConnect):
            return await self.open_connect(caller, request, connection)
        if isinstance(request, GetKey):
            return await self.get_key(caller, request)
        return await self.close(caller, request)

    def detach(self, connection: object) -> None:
        """A connection has ended: what it opened stays open, and its application may open it anew."""
        for key in [key for key, holder in self._attached.items() if holder is connection]:
            del self._attached[key]

    async def open_connect(self, caller: str, call: OpenConnect, connection: object) -> Opened:
        """Reserve or join a stream, then wait for the peer application within Timeout."""
        directory = self._streams.supply.directory
        try:
            directory.require_caller(caller)
            source, destination = sae_of_uri(call.source, directory), sae_of_uri(call.destination, directory)
            if caller not in (source, destination):
                raise Unauthorised(f"{caller} is no end of a stream from {source} to {destination}")
            if self._saes[source] == self._saes[destination]:
                raise ParameterError(f"{source} and {destination} are served by one site")
        except (ParameterError, Unauthorised) as error:
            self._refused("004", "open_connect", caller, call.destination, error)
            return Opened(Status.NO_QKD_CONNECTION, call.qos, call.key_stream_id)
        fresh, until = call.key_stream_id == NO_STREAM, _Deadline(call.qos)
        owner = self._saes[source]
        if not fresh:
            owner = owner_site(call.key_stream_id, owner, self._saes[destination])
            if (call.key_stream_id, caller) in self._attached:
                return Opened(Status.KSID_IN_USE, call.qos, call.key_stream_id)
            self._attached[call.key_stream_id, caller] = connection
        ask = OpenEnd(caller, source, destination, call.qos, None if fresh else call.key_stream_id)
        reply = await self._asked(owner, ask, until, Status.NO_QKD_CONNECTION)
        name = reply.key_stream_id or call.key_stream_id
        if reply.status is not Status.SUCCESSFUL:
            self._attached.pop((call.key_stream_id, caller), None)
            self._refused("004", "open_connect", caller, destination if caller == source else source, _why(reply))
            return Opened(reply.status, reply.qos or call.qos, name)
        self._attached[name, caller] = connection
        stream = Stream(name, source, destination, owner, call.qos.key_chunk_octets, call.qos.key_chunk_octets, fresh)
        if owner != self._site:
            await self._blocking(lambda: self._store.open_end(stream, caller, msgspec.json.encode(call.qos)))
        connected = reply.connected or await self._peer_comes(stream, caller, until)
        return Opened(Status.SUCCESSFUL if connected else Status.PEER_NOT_CONNECTED, call.qos, name)

    async def get_key(self, caller: str, call: GetKey) -> KeyGiven:
        """The chunk at an index, waiting for the peer application and for keys within Timeout."""
        found = await self._blocking(partial(self._own_end, call.key_stream_id, caller))
        if found is None:
            return KeyGiven(Status.GET_KEY_PEER_NOT_CONNECTED, call.index)
        stream, qos = found
        if call.key_info is not None and call.key_info[0] != _SYMMETRIC:
            return KeyGiven(Status.NO_QKD_CONNECTION, call.index)
        if call.room_octets < metadata_needed(qos):
            status = Status.METADATA_SIZE_INSUFFICIENT
            return KeyGiven(status, call.index, needed_octets=metadata_needed(qos))
        index = None if call.index == NEXT_INDEX else call.index
        ask = DrawChunk(caller, call.key_stream_id, index)
        reply = await self._asked(stream.owner, ask, _Deadline(qos), Status.TIMEOUT_ERROR)
        if reply.status is not Status.SUCCESSFUL:
            self._refused("004", "get_key", caller, stream.other(caller), _why(reply))
            return KeyGiven(reply.status, call.index)
        try:
            keys = await self._streams.deliveries.fetch(chunk_fetch(self._streams.supply, caller, reply))
            key, pedigree = join_chunk(keys, stream.chunk_octets)
        except KeyNotFound:
            return KeyGiven(Status.INSUFFICIENT_KEY, reply.index)
        except (KeyUnavailable, *_QUITE_WRONG) as error:
            self._streams.report(error)
            return KeyGiven(Status.NO_QKD_CONNECTION, reply.index)
        if stream.owner != self._site:
            await self._blocking(partial(self._store.use_stream, call.key_stream_id))
        self._given(caller, pedigree)
        metadata = write_metadata(qos, pedigree, reply.age_ms, call.room_octets)
        return KeyGiven(Status.SUCCESSFUL, reply.index, key, metadata)  # whoever writes it wipes it

    async def close(self, caller: str, call: Close) -> Closed:
        """Close this end, and wipe what it has left here."""
        found = await self._blocking(partial(self._own_end, call.key_stream_id, caller))
        if found is None:
            return Closed(Status.GET_KEY_PEER_NOT_CONNECTED)
        stream, qos = found
        ask = CloseEnd(caller, call.key_stream_id)
        reply = await self._asked(stream.owner, ask, _Deadline(qos), Status.TIMEOUT_ERROR)
        if reply.status is not Status.SUCCESSFUL:
            return Closed(reply.status)
        self._attached.pop((call.key_stream_id, caller), None)
        await self._leave(caller, call.key_stream_id, reply)
        return Closed(Status.SUCCESSFUL)

    @property
    def _store(self) -> StreamStore:
        return self._streams.store

    async def _blocking(self, work: Callable[[], Result]) -> Result:
        return await self._streams.deliveries.blocking(work)

    async def _asked(self, owner: str, ask: Ask, until: _Deadline, unreached: Status) -> Reply:
        """The owner's last word within the time: what may change is asked again. unreached: when it says none."""
        while True:
            try:
                reply = await self._streams.ask(owner, ask, min(ASK_TIMEOUT_S, max(1.0, until.left_s())))
            except KeyUnavailable:
                reply = Reply(unreached, final=False)
            except _QUITE_WRONG as error:
                self._streams.report(error)
                return Reply(Status.NO_QKD_CONNECTION, final=False)
            if reply.final or not await until.wait(_ASK_AGAIN_S):
                return reply

    async def _peer_comes(self, stream: Stream, caller: str, until: _Deadline) -> bool:
        ask = LookAtStream(caller, stream.key_stream_id)
        while await until.wait(_ASK_AGAIN_S):
            with contextlib.suppress(HarisError):
                if (await self._streams.ask(stream.owner, ask)).connected:
                    return True
        return False

    def _own_end(self, key_stream_id: UUID, caller: str) -> tuple[Stream, QoS] | None:
        """A stream that the caller has open here, and on which terms."""
        stream, end = self._store.stream(key_stream_id), self._store.stream_ends(key_stream_id).get(caller)
        return None if stream is None or end is None or not end.is_open else (stream, read_terms(end))

    async def _leave(self, caller: str, key_stream_id: UUID, reply: Reply) -> None:
        for key_id in reply.key_ids:
            with contextlib.suppress(HarisError):
                fetch = self._streams.supply.fetch(reply.master, caller, key_id.bytes, "004")
                for batch in await self._streams.deliveries.fetch(fetch):
                    batch.wipe()
        await self._blocking(partial(self._store.close_end, key_stream_id, caller))  # at the owner it is closed already


def _why(reply: Reply) -> HarisError:
    """What the log calls a refusal: one that may pass is a lack of keys."""
    words = f"status {reply.status.value}: {reply.status.name.lower().replace('_', ' ')}"
    if not reply.final or reply.status is Status.INSUFFICIENT_KEY:
        return KeyUnavailable(words)
    return Unauthorised(words) if reply.status is Status.NO_QKD_CONNECTION else ParameterError(words)


class _Deadline:
    """The Timeout of a call, from now on."""

    def __init__(self, qos: QoS) -> None:
        self._loop = asyncio.get_running_loop()
        self._end_s = self._loop.time() + qos.timeout_ms / 1000

    def left_s(self) -> float:
        return self._end_s - self._loop.time()

    async def wait(self, pause_s: float) -> bool:
        """Wait a little; False when the time is over."""
        if self.left_s() <= 0:
            return False
        await asyncio.sleep(min(pause_s, self.left_s()))
        return True
