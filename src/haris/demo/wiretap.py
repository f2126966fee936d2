"""A wiretap on the line between the two ends of the tunnel: it passes everything on, and remembers a little of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from haris.node.system.streams import close_stream


class Wiretap:
    """Listens on one port and passes on to another. last: the newest octets that went by. n_octets: all of them."""

    def __init__(self, listen: int, to: int) -> None:
        self._listen, self._to = listen, to
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.last = b""
        self.n_octets = 0
        self.recorded = bytearray()

    async def start(self) -> None:
        """Clamp on to the line."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._listen)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            await close_stream(writer)
            return
        pumps = [pump(reader, onward_writer, self._remember), pump(onward_reader, writer, self._remember)]
        tasks = [asyncio.create_task(pump) for pump in pumps]
        self._tasks.update(tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.difference_update(tasks)
        await close_stream(writer)
        await close_stream(onward_writer)

    def _remember(self, octets: bytes) -> None:
        self.n_octets += len(octets)
        self.last = octets
        if len(self.recorded) < 1 << 22:
            self.recorded += octets

    async def stop(self) -> None:
        """Let go."""
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, went_by: Callable[[bytes], None]) -> None:
    """Pass octets on until they end, and tell of them."""
    with contextlib.suppress(ConnectionError):
        while octets := await reader.read(65536):
            went_by(octets)
            writer.write(octets)
            await writer.drain()
        writer.write_eof()  # one direction has ended; the other may go on
