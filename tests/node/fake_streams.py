"""Key managers of other makers that speak ETSI GS QKD 004, as bad as they come: a pair with flaws to choose."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from fake_boxes import flawed_context
from kme_lab import Authority

from haris.node.system.streams import close_stream
from haris.wire import etsi004_octets as octets
from haris.wire.etsi004 import (
    HEADER_OCTETS,
    TERMINATED,
    Answer,
    Close,
    Closed,
    GetKey,
    KeyGiven,
    OpenConnect,
    Opened,
    Request,
    Status,
)

SAES = {"alice": "bob", "bob": "alice"}


class FakeStreams:
    """Both ends at once; each has a server. flaws: any of the words that are looked for below."""

    def __init__(self, flaws: frozenset[str], stored: int) -> None:
        self.flaws, self.stored = flaws, stored
        self.chunks: dict[tuple[UUID, int], bytes] = {}
        self.given: Counter[tuple[UUID, str]] = Counter()
        self.ends: dict[UUID, set[str]] = {}
        self.came = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        certificate = writer.get_extra_info("ssl_object").getpeercert() or {}
        names = [value for entry in certificate.get("subject", ()) for _, value in entry]
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                header = octets.read_header(await reader.readexactly(HEADER_OCTETS))
                request, framing = octets.read_request(header, await reader.readexactly(header.length))
                if framing.dialect is not TERMINATED.dialect and "terminated only" in self.flaws:
                    break
                writer.write(octets.write_answer(await self.answer(names[0] if names else "alice", request), framing))
                await writer.drain()
        await close_stream(writer)

    async def answer(self, caller: str, request: Request) -> Answer:
        if isinstance(request, OpenConnect):
            return await self.open(caller, request)
        if isinstance(request, GetKey):
            return self.get(caller, request)
        assert isinstance(request, Close)
        self.ends.get(request.key_stream_id, set()).discard(caller)
        return Closed(Status.SUCCESSFUL)

    async def open(self, caller: str, call: OpenConnect) -> Opened:
        ours = caller in SAES and caller in (call.source, call.destination)
        if "knows nobody" in self.flaws or not (ours or "anybody's streams" in self.flaws):
            return Opened(Status.NO_QKD_CONNECTION, call.qos, call.key_stream_id)
        ends = self.ends.setdefault(call.key_stream_id, set())
        async with self.came:
            ends.add(caller)
            self.came.notify_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(call.qos.timeout_ms / 1000):
                    await self.came.wait_for(lambda: len(ends) == 2 and "ends apart" not in self.flaws)
                return Opened(Status.SUCCESSFUL, call.qos, call.key_stream_id)
        return Opened(Status.PEER_NOT_CONNECTED, call.qos, call.key_stream_id)

    def get(self, caller: str, call: GetKey) -> KeyGiven:
        name = call.key_stream_id
        if caller not in self.ends.get(name, ()) and "closed gives" not in self.flaws:
            return KeyGiven(Status.GET_KEY_PEER_NOT_CONNECTED)
        if not self.stored:
            return KeyGiven(Status.INSUFFICIENT_KEY)
        index = 0 if "one index" in self.flaws else self.given[name, caller]
        self.given[name, caller] += 1
        size = 31 if "wrong size" in self.flaws else 32
        chunk = self.chunks.setdefault((name, index), bytes(size) if "zeros" in self.flaws else os.urandom(size))
        if "ends differ" in self.flaws and caller == "bob":
            chunk = chunk[::-1]
        return KeyGiven(Status.SUCCESSFUL, index, chunk)


@asynccontextmanager
async def fake_streams(authority: Authority, *flaws: str, stored: int = 100) -> AsyncIterator[tuple[str, str]]:
    """Addresses of two key managers, of kme-x and kme-y."""
    chosen = frozenset(flaws)
    both = FakeStreams(chosen, stored)
    servers, addresses = [], []
    for name in ("kme-x", "kme-y"):
        context = flawed_context(authority.issue(name, days=60), chosen)
        server = await asyncio.start_server(both.serve, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        addresses.append(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield addresses[0], addresses[1]
    finally:
        for server in servers:
            server.close()
            await server.wait_closed()
