"""The exchange's matching gateway: a process of its own that fills every FIX order it gets."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

from haris.demo.desk import TICK_S
from haris.node.system.streams import close_stream, read_some
from haris.nouns.errors import HarisError
from haris.service.fix import Acceptor


class Gateway:
    """One FIX session, whatever connection it comes over. Orders are remembered between connections."""

    def __init__(self) -> None:
        self._acceptor = Acceptor("EXCHANGE", "BANK")
        self._newest: asyncio.StreamWriter | None = None

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection to its end. The newest one is the session's: an earlier one that still lives is ended."""
        if self._newest is not None:
            self._newest.transport.abort()
        self._newest = writer
        self._acceptor.connect(time.time_ns())
        try:
            while (octets := await read_some(reader, TICK_S)) != b"" and self._newest is writer:
                if octets:
                    self._acceptor.serve(octets, time.time_ns())
                self._acceptor.tick(time.time_ns())
                writer.write(self._acceptor.outgoing())
                await writer.drain()
        except (HarisError, ConnectionError, asyncio.CancelledError):
            pass  # the initiator connects anew and asks for what it missed
        finally:
            await close_stream(writer)


async def serve(port: int) -> None:
    """Accept connections on loopback until cancelled."""
    server = await asyncio.start_server(Gateway().accept, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1])))
