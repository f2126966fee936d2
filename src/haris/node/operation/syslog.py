"""Sends syslog messages to one receiver over UDP, TCP or TLS. Over TCP and TLS a message is tried until it is taken;
what the network loses after that, or on UDP, nobody learns (RFC 6587, section 3.4)."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime

from haris.node.configuration.operation import SyslogTable
from haris.node.operation.outbox import Outbox
from haris.node.pki.credentials import client_context, read_certificate
from haris.node.system.streams import put
from haris.nouns.endpoint import read_endpoint
from haris.wire.syslog import Speaker, SyslogMessage, counted, datagram, write_syslog

_PATIENCE_S = 10.0


class Syslog:
    """The way to one receiver. box: what waits for it."""

    def __init__(self, table: SyslogTable) -> None:
        """Raises ParameterError for certificates that cannot be used."""
        self._address, self._transport = read_endpoint("address", table.address), table.transport
        self._speaker = Speaker(table.facility, socket.gethostname(), str(os.getpid()))
        self._context = _context(table)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self.box: Outbox[SyslogMessage] = Outbox(self._send)

    def close(self) -> None:
        """Close the connection."""
        if self._datagrams is not None:
            self._datagrams.close()
        if self._draining is not None:
            self._draining.cancel()
        if self._streams is not None:
            self._streams[1].close()
        self._datagrams = self._streams = self._draining = None

    async def _send(self, message: SyslogMessage) -> None:
        octets = write_syslog(self._speaker, message)
        if self._transport == "udp":
            await self._send_datagram(datagram(octets))
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                writer = await self._connected()
                put(writer, counted(octets))
                await writer.drain()
        except OSError:  # a time-out is one
            self.close()
            raise

    async def _send_datagram(self, octets: bytes) -> None:
        if self._datagrams is None or self._datagrams.is_closing():
            loop = asyncio.get_running_loop()
            self._datagrams, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=self._address
            )
        self._datagrams.sendto(octets)

    async def _connected(self) -> asyncio.StreamWriter:
        """The connection; a new one when the receiver has ended the last, which a write alone would not notice."""
        if self._streams is not None:
            reader, writer = self._streams
            if not writer.is_closing() and not reader.at_eof():
                return writer
        self.close()
        self._streams = reader, writer = await asyncio.open_connection(*self._address, ssl=self._context)
        self._draining = asyncio.create_task(_discard(reader))
        return writer


async def _discard(reader: asyncio.StreamReader) -> None:
    """A receiver says nothing; read on, so that its end of the connection is seen."""
    with suppress(OSError):
        while await reader.read(1 << 12):
            pass


def _context(table: SyslogTable) -> ssl.SSLContext | None:
    if table.authority is None:
        return None
    now = datetime.now(UTC)
    if table.certificate is not None and table.private_key is not None:
        return client_context(table.certificate, table.private_key, table.authority, now)
    read_certificate(table.authority, now)
    context = ssl.create_default_context(cafile=str(table.authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
