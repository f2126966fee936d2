"""A TCP line that an adversary has spliced: it carries everything, records it, and can change, stall or cut it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from haris.node.system.streams import close_stream
from haris.wire.framing import HEADER_OCTETS, frame

Change = Callable[[bool, bytes], list[bytes]]
"""(from the caller?, one frame's body) → the bodies that go on instead."""


@dataclass(slots=True)
class Conversation:
    """What went over one connection: octets of the end that called, and of the end that answered."""

    from_caller: bytearray = field(default_factory=bytearray)
    from_answerer: bytearray = field(default_factory=bytearray)


class SplicedLine:
    """Listens on one port of loopback, or of another host, and carries to a port of loopback.

    conversations: all that was ever sent, a lost connection's included. change: of each frame; None passes octets on.
    """

    def __init__(self, listen: int, to: int, change: Change | None = None, host: str = "127.0.0.1") -> None:
        self.conversations: list[Conversation] = []
        self.change = change
        self._listen, self._to, self._host = listen, to, host
        self._flows, self._is_down = asyncio.Event(), False
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._carry, self._host, self._listen)

    async def stall(self, for_s: float) -> None:
        """Carry nothing for a while, and lose nothing either."""
        self._flows.clear()
        await asyncio.sleep(for_s)
        self._flows.set()

    async def fall(self, for_s: float) -> None:
        """Break every connection, and take none for a while."""
        self._is_down = True
        self.cut()
        await asyncio.sleep(for_s)
        self._is_down = False

    def cut(self) -> None:
        """Break every connection, whatever is on its way."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_down:
            writer.transport.abort()
            return
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            await close_stream(writer)
            return
        conversation = Conversation()
        self.conversations.append(conversation)
        ends = (writer, onward_writer)
        self._writers.update(ends)
        tasks = [
            asyncio.create_task(self._pump(reader, onward_writer, conversation.from_caller, True)),
            asyncio.create_task(self._pump(onward_reader, writer, conversation.from_answerer, False)),
        ]
        self._tasks.update(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)  # one end has gone: so does the other
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.difference_update(tasks)
        self._writers.difference_update(ends)
        for end in ends:
            await close_stream(end)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray, calling: bool
    ) -> None:
        try:
            while True:
                if self.change is None:
                    if not (octets := await reader.read(1 << 16)):
                        return
                    record += octets
                else:
                    header = await reader.readexactly(HEADER_OCTETS)
                    body = await reader.readexactly(int.from_bytes(header, "big"))
                    record += header + body
                    octets = b"".join(frame(each) for each in self.change(calling, body))
                await self._flows.wait()
                writer.write(octets)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
