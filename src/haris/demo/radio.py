"""The radio of a satellite: lines that carry octets while a contact lasts, and are cut when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from haris.demo.wiretap import pump
from haris.node.system.streams import close_stream

LOOK_S = 0.02

Line = tuple[int, int]
"""A port on loopback that listens, and the one that it leads to."""


class Radio:
    """Lines that are open together. is_open: whether a contact lasts. n_octets: that went over them, either way."""

    def __init__(self, lines: Sequence[Line], is_open: Callable[[], bool]) -> None:
        self._lines, self._is_open = lines, is_open
        self._servers: list[asyncio.Server] = []
        self._carried: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self.n_octets = 0

    async def start(self) -> None:
        """Listen on every line."""
        for listen, to in self._lines:
            self._servers.append(await asyncio.start_server(self._carrier(to), "127.0.0.1", listen))
        self._watch = asyncio.create_task(self._cut())

    async def stop(self) -> None:
        """Let go of every line."""
        for server in self._servers:
            server.close()
        tasks = [*self._carried, *([self._watch] if self._watch else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _carrier(self, to: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._carry(reader, writer, to))
            self._carried.add(task)
            task.add_done_callback(self._carried.discard)

        return accept

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int) -> None:
        writers = [writer]
        try:
            if self._is_open():
                onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", to)
                writers.append(onward_writer)
                await asyncio.gather(pump(reader, onward_writer, self._count), pump(onward_reader, writer, self._count))
        except OSError:
            pass
        finally:
            for each in writers:
                each.transport.abort()
            with contextlib.suppress(OSError):
                await asyncio.gather(*(close_stream(each) for each in writers), return_exceptions=True)

    def _count(self, octets: bytes) -> None:
        self.n_octets += len(octets)

    async def _cut(self) -> None:
        """At the end of a contact every connection breaks."""
        while True:
            if not self._is_open():
                for task in self._carried:
                    task.cancel()
            await asyncio.sleep(LOOK_S)
