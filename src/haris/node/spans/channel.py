"""The classical channel of a span: typed messages over one connection, with an end to patience."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from haris.node.system.streams import receive_frame, send_frame
from haris.nouns.errors import PeerError
from haris.wire import distillation, span

SILENCE_S = 120.0
MESSAGE_OCTETS = distillation.LIMITS.message_octets + 1024

M = TypeVar("M", bound=span.Message)
B = TypeVar("B", span.Distil, span.Confirm, span.Held)


class SpanChannel:
    """One end of a connection. Nothing here is authenticated: tags are messages, too."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, message: span.Message) -> None:
        """Send one message."""
        await send_frame(self._writer, span.encode(message))

    async def receive(self, kind: type[M], silence_s: float | None = SILENCE_S, at_most: int = MESSAGE_OCTETS) -> M:
        """The next message. PeerError unless it is of that kind, has at_most octets, and comes within silence_s."""
        message = await self.receive_any(silence_s, at_most)
        if not isinstance(message, kind):
            raise PeerError(f"expected {kind.__name__}, got {type(message).__name__}")
        return message

    async def receive_any(self, silence_s: float | None = SILENCE_S, at_most: int = MESSAGE_OCTETS) -> span.Message:
        """The next message, of whatever kind. PeerError as in receive."""
        return span.decode(await receive_frame(self._reader, at_most, silence_s))

    async def receive_of(self, kind: type[B], number: int, silence_s: float | None = SILENCE_S) -> B:
        """The next message, of that kind and of block `number`. PeerError otherwise."""
        message = await self.receive(kind, silence_s)
        if message.number != number:
            raise PeerError(f"a message of block {message.number} in block {number}")
        return message

    def require_peer(self) -> None:
        """Raise PeerError when the connection has ended while this end waited for something else."""
        if self._reader.at_eof() or self._reader.exception() is not None:
            raise PeerError("the connection ended between two messages")
