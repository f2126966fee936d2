"""A source that pushes: the box connects to this site and sends its keys as they are made.

ETSI GS QKD 004 has no push: there the application asks. What haris means by it is 004's own messages (wire/etsi004.py),
with the box as the client:

    box                                this site
    OPEN_CONNECT                    ▶  its QoS (Key_chunk_size of the inventory), its Key_stream_ID
                                    ◀  its answer: 0; 7 with the right Key_chunk_size; 5 for another Key_stream_ID
    the answer to GET_KEY, unasked  ▶  status 0, index, key, metadata; nothing answers it; as often as there is a key
    CLOSE                           ▶
                                    ◀  its answer

over TLS with the box's certificate, whose common name the inventory gives. The box pushes the same keys with the same
indices to both sites, in the same order, and counts each up by one. When this site has enough it stops reading; the box
waits in TCP.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from haris.keys.quarantine import Lie, SourceLied
from haris.keys.vendor import SourceKey
from haris.node.pki.identity import IdentityTable, identity_of
from haris.node.system.streams import close_stream, keep_alive, put
from haris.nouns.endpoint import Endpoint
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, PeerError
from haris.wire.etsi004 import (
    HEADER_OCTETS,
    NO_STREAM,
    Answer,
    Close,
    Closed,
    Framing,
    GetKey,
    Header,
    KeyGiven,
    OpenConnect,
    Opened,
    Service,
    Status,
)
from haris.wire.etsi004_octets import read_answer, read_header, read_request, write_answer

MOST_WAITING = 8192
"""Keys that wait here to be used; a box that has more waits with them."""
SILENCE_S = 10.0
"""How long the rest of a message may take."""


class PushBox:
    """A Box. context: TLS as a server that asks for a certificate. peer_id: common name of the box's certificate."""

    def __init__(
        self, listen: Endpoint, context: ssl.SSLContext, peer_id: str, key_bits: int, key_stream_id: UUID | None
    ) -> None:
        self._listen, self._context, self._peer, self._stream = listen, context, peer_id, key_stream_id
        self._key_octets = key_bits // 8
        self._waiting: dict[str, bytes] = {}
        self._lie: SourceLied | None = None
        self._room = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._boxes: set[asyncio.Task[None]] = set()
        self._trouble = "no box is connected"

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._server is None:
            raise ParameterError("a box is used after it is opened")
        return int(self._server.sockets[0].getsockname()[1])

    async def open(self, session: bytes) -> tuple[str, ...]:
        """Listen. Raises ParameterError when the address cannot be had."""
        if self._server is None:
            try:
                self._server = await asyncio.start_server(self._serve, *self._listen, ssl=self._context)
            except OSError as error:
                where = f"{self._listen[0]}:{self._listen[1]}"
                raise ParameterError(f"the source cannot listen on {where}: {error.strerror}") from None
        return ()

    async def fresh(self, n_keys: int) -> tuple[SourceKey, ...]:
        """The first keys that wait."""
        self._require_truth()
        names = list(self._waiting)[:n_keys]
        if not names:
            raise KeyUnavailable(f"no key was pushed: {self._trouble}")
        return await self._take(names, names)

    async def named(self, names: Sequence[str]) -> tuple[SourceKey, ...]:
        """The keys of these names that are here. What came before the last of them, the other end has lost."""
        self._require_truth()
        here = [name for name in names if name in self._waiting]
        if not here:
            raise KeyUnavailable(f"{len(names)} keys were not pushed to this end: {self._trouble}")
        order = list(self._waiting)
        places = {name: place for place, name in enumerate(order)}
        return await self._take(here, order[: max(places[name] for name in here) + 1])

    async def burn(self, names: Sequence[str]) -> None:
        """What is taken has left the queue."""

    async def close(self) -> None:
        """Listen no more, and let the box go; what waits here goes on waiting."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._boxes:
            task.cancel()
        await asyncio.gather(*self._boxes, return_exceptions=True)

    async def _take(self, names: Sequence[str], gone: Sequence[str]) -> tuple[SourceKey, ...]:
        keys = tuple(SourceKey(name, self._waiting[name]) for name in names)
        for name in gone:
            del self._waiting[name]
        async with self._room:
            self._room.notify_all()
        return keys

    def _require_truth(self) -> None:
        lie, self._lie = self._lie, None
        if lie is not None:
            self._waiting.clear()
            raise lie

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._boxes.add(task)
        try:
            self._require_box(writer)
            keep_alive(writer)
            await self._converse(reader, writer)
            self._trouble = "the box has left"
        except (HarisError, asyncio.IncompleteReadError, OSError) as error:
            self._trouble = str(error) or "it ended in the middle of a message"
        except asyncio.CancelledError:  # the session ends
            pass
        finally:
            self._boxes.discard(task)
            await close_stream(writer)

    def _require_box(self, writer: asyncio.StreamWriter) -> None:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        name = identity_of(der, "common-name", IdentityTable())
        if name != self._peer:
            raise PeerError(f"{name} connected, not {self._peer}")

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream, framing = NO_STREAM, None
        while octets := await reader.read(1):
            async with asyncio.timeout(SILENCE_S):
                header = read_header(octets + await reader.readexactly(HEADER_OCTETS - 1), PeerError)
                payload = await reader.readexactly(header.length)
            if header.service is Service.GET_KEY_ANSWER and framing is not None:
                self._trouble = "no key since it connected"
                await self._keep(stream, _read_key(header, payload, stream, framing))
                continue
            request, spoken = read_request(header, payload)
            framing = framing or spoken
            answer = self._answer(request, stream)
            if isinstance(answer, Opened) and answer.status is Status.SUCCESSFUL:
                stream = answer.key_stream_id
            put(writer, write_answer(answer, framing))
            await writer.drain()
            if isinstance(answer, Closed):
                return

    def _answer(self, request: OpenConnect | GetKey | Close, stream: UUID) -> Answer:
        if isinstance(request, Close):
            return Closed(Status.SUCCESSFUL)
        if not isinstance(request, OpenConnect) or stream != NO_STREAM:
            raise PeerError("a box that pushes opens one stream, and asks for nothing")
        name = request.key_stream_id
        if name == NO_STREAM or self._stream not in (None, name):
            return Opened(Status.KSID_IN_USE, request.qos)
        if request.qos.key_chunk_octets != self._key_octets:
            return Opened(Status.QOS_NOT_MET, replace(request.qos, key_chunk_octets=self._key_octets))
        return Opened(Status.SUCCESSFUL, request.qos, name)

    async def _keep(self, stream: UUID, given: KeyGiven) -> None:
        if stream == NO_STREAM:
            raise PeerError("a key was pushed before OPEN_CONNECT")
        name = f"{stream}/{given.index}"
        if name in self._waiting:
            self._lie = SourceLied(Lie.REPEATED_NAME, f"key {name} was pushed twice")
            raise self._lie
        async with self._room:
            await self._room.wait_for(lambda: len(self._waiting) < MOST_WAITING)
            self._waiting[name] = bytes(given.key)


def _read_key(header: Header, payload: bytes, stream: UUID, framing: Framing) -> KeyGiven:
    given = read_answer(header, payload, GetKey(stream), framing.dialect)
    if not isinstance(given, KeyGiven) or given.status is not Status.SUCCESSFUL:
        raise PeerError("a key is pushed with status 0")
    return given
