"""An application's client of a key manager that speaks ETSI GS QKD 004 over TLS, in either dialect."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Self
from uuid import UUID

from haris.node.supply.unreached import unreached
from haris.node.system.streams import close_stream, put
from haris.nouns.endpoint import Endpoint
from haris.nouns.errors import HarisError, KeyUnavailable, PeerError
from haris.wire.etsi004 import (
    FIXED,
    HEADER_OCTETS,
    METADATA_OCTETS,
    NEXT_INDEX,
    NO_STREAM,
    Answer,
    Close,
    Closed,
    Dialect,
    Framing,
    GetKey,
    KeyGiven,
    OpenConnect,
    Opened,
    QoS,
    Request,
    Status,
)
from haris.wire.etsi004_octets import read_answer, read_header, write_request

TIMEOUT_S = 10.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Etsi004Client:
    """One application at one key manager. A context manager: `async with Etsi004Client(...) as kme`.

    context: TLS with the SAE's certificate (credentials.client_context). framing: the dialect to speak; whoever speaks
    the terminated one takes a connection a call. timeout_s: for the network, beside the Timeout that a call's QoS
    grants the key manager.
    Statuses are values of the answers. Raises KeyUnavailable when the key manager cannot be reached or does not answer,
    PeerError when it breaks the protocol, ParameterError for what no message can carry.
    """

    def __init__(
        self, endpoint: Endpoint, context: ssl.SSLContext, framing: Framing = FIXED, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._endpoint, self._context, self._framing, self._timeout_s = endpoint, context, framing, timeout_s
        self._streams: Streams | None = None
        self._waits_s: dict[UUID, float] = {}

    async def __aenter__(self) -> Self:
        if self._framing.dialect is Dialect.FIXED:
            self._streams = await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._streams is not None:
            await close_stream(self._streams[1])

    @property
    def connected(self) -> bool:
        """Whether the key manager has not ended the connection. Always, where each call takes one of its own."""
        if self._framing.dialect is Dialect.TERMINATED:
            return True
        if self._streams is None:
            return False
        return not self._streams[0].at_eof() and self._streams[0].exception() is None

    async def open_connect(self, source: str, destination: str, qos: QoS, key_stream_id: UUID = NO_STREAM) -> Opened:
        """Reserve a stream, or join the one of that Key_stream_ID."""
        wait_s = qos.timeout_ms / 1000
        answer = await self._ask(OpenConnect(source, destination, qos, key_stream_id), wait_s)
        assert isinstance(answer, Opened)
        self._waits_s[answer.key_stream_id] = wait_s
        return answer

    async def get_key(
        self, key_stream_id: UUID, index: int = NEXT_INDEX, metadata_octets: int = METADATA_OCTETS
    ) -> KeyGiven:
        """The chunk at an index, or the next one."""
        wait_s = self._waits_s.get(key_stream_id, 0.0)
        answer = await self._ask(GetKey(key_stream_id, index, metadata_octets), wait_s)
        assert isinstance(answer, KeyGiven)
        if answer.status is Status.SUCCESSFUL and index not in (NEXT_INDEX, answer.index):
            raise PeerError(f"the key manager gave the chunk {answer.index} for {index}")
        return answer

    async def close(self, key_stream_id: UUID) -> Closed:
        """Close this end of a stream."""
        answer = await self._ask(Close(key_stream_id), self._waits_s.get(key_stream_id, 0.0))
        assert isinstance(answer, Closed)
        return answer

    async def _ask(self, request: Request, wait_s: float) -> Answer:
        streams = self._streams or await self._connect()
        try:
            return await self._call(streams, request, wait_s)
        finally:
            if streams is not self._streams:
                await close_stream(streams[1])

    async def _connect(self) -> Streams:
        host, port = self._endpoint
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.open_connection(host, port, ssl=self._context)
        except OSError as error:  # ssl.SSLError and TimeoutError are some
            raise self._unreached(error) from None

    def _unreached(self, error: OSError) -> HarisError:
        return unreached("the key manager", "{}:{}".format(*self._endpoint), error, self._context)

    async def _call(self, streams: Streams, request: Request, wait_s: float) -> Answer:
        reader, writer = streams
        try:
            async with asyncio.timeout(self._timeout_s + wait_s):
                put(writer, write_request(request, self._framing))
                await writer.drain()
                header = read_header(await reader.readexactly(HEADER_OCTETS), PeerError)
                payload = await reader.readexactly(header.length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            words = f"the key manager ended the connection: does it accept our certificate? ({error})"
            raise KeyUnavailable(words) from None
        except OSError as error:
            raise self._unreached(error) from None
        return read_answer(header, payload, request, self._framing.dialect)
