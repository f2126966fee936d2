"""Frames over an asyncio stream."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from haris.nouns.errors import PeerError
from haris.wire.framing import HEADER_OCTETS, MAX_FRAME_OCTETS, body_length, frame


def put(writer: asyncio.StreamWriter, octets: bytes | bytearray) -> None:
    """Write octets. ConnectionResetError when the stream has ended: event loops differ in what they would raise."""
    if writer.is_closing():
        raise ConnectionResetError("the connection has ended")
    writer.write(octets)


async def send_frame(writer: asyncio.StreamWriter, body: bytes) -> None:
    """Write one frame and wait until the peer can take more. Raises OSError when the stream has ended."""
    put(writer, frame(body))
    await writer.drain()


async def receive_frame(
    reader: asyncio.StreamReader, at_most: int = MAX_FRAME_OCTETS, silence_s: float | None = None
) -> bytes:
    """Read one frame. Raises PeerError when the stream ends or stays silent for silence_s inside or before it."""
    try:
        async with asyncio.timeout(silence_s) as silence:
            header = await reader.readexactly(HEADER_OCTETS)
            return await reader.readexactly(body_length(header, at_most))
    except (asyncio.IncompleteReadError, OSError) as error:  # TCP's own time-out is an OSError, too
        if silence.expired():
            raise PeerError(f"the peer was silent for {silence_s:g} s") from None
        raise PeerError(f"the connection ended: {error}") from None


def keep_alive(writer: asyncio.StreamWriter) -> None:
    """Have TCP notice within a minute that the peer's machine is gone, though neither end sends anything."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):  # Linux has all three
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def read_some(reader: asyncio.StreamReader, within_s: float) -> bytes | None:
    """What comes next: octets, b"" at the end of the stream, None when nothing comes within that time."""
    try:
        async with asyncio.timeout(within_s):
            return await reader.read(1 << 16)
    except TimeoutError:
        return None


async def close_stream(writer: asyncio.StreamWriter) -> None:
    """Close a stream whatever state it is in."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
