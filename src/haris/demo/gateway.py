"""The exchange's matching gateway: a process of its own that fills every FIX order it gets."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

from haris.node.streams import close_stream
from haris.nouns.errors import HarisError
from haris.service.fix import Acceptor


async def serve(port: int) -> None:
    """Accept one FIX session on loopback, again and again, until cancelled. Orders are remembered between them."""
    acceptor = Acceptor("EXCHANGE", "BANK")

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        acceptor.connect(time.time_ns())
        try:
            while octets := await reader.read(65536):
                acceptor.serve(octets, time.time_ns())
                writer.write(acceptor.outgoing())
                await writer.drain()
        except (HarisError, ConnectionError, asyncio.CancelledError):
            pass  # the initiator connects anew and asks for what it missed
        finally:
            await close_stream(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1])))
