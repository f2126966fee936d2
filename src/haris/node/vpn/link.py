"""The connection between the two agents of a VPN: mutual TLS, each naming the other by its common name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from haris.node.pki.mutual_tls import TlsFiles, named, peer_context, server_context
from haris.node.system.streams import keep_alive, receive_frame
from haris.nouns.endpoint import Endpoint, read_endpoint
from haris.nouns.errors import HarisError, ParameterError
from haris.service.vpn import Connected, Event, Heard, Lost
from haris.wire.framing import frame
from haris.wire.vpn import MAX_MESSAGE_OCTETS, Message, codec

CONNECT_S = 10.0
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.25, 5.0


class VpnLink:
    """One connection at a time. Delivers Connected, Heard and Lost, in this order for each connection.

    tell: hears why there is no connection.
    """

    def __init__(
        self, files: TlsFiles, peer: str, deliver: Callable[[Event], None], tell: Callable[[str], None]
    ) -> None:
        self._files, self._peer, self._deliver, self._tell = files, peer, deliver, tell
        self._writer: asyncio.StreamWriter | None = None

    def say(self, message: Message) -> None:
        """Send a message; without a connection it is lost, as it would be on its way."""
        if self._writer is not None:
            self._writer.write(frame(codec.encode(message)))

    def hang_up(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
            self._deliver(Lost())

    async def connect(self, to: str) -> None:
        """Stay connected to the responder at HOST:PORT for ever."""
        endpoint, context = read_endpoint("connect", to), peer_context(self._files, named(self._peer))
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(CONNECT_S):
                    reader, writer = await asyncio.open_connection(*endpoint, ssl=context)
            except (OSError, TimeoutError) as error:
                self._tell(f"{to}: the other agent cannot be reached: {error or 'time-out'}")
            else:
                began = asyncio.get_running_loop().time()
                await self._converse(reader, writer)
                if asyncio.get_running_loop().time() - began > _LAST_PAUSE_S:
                    pause_s = _FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LAST_PAUSE_S)

    async def listen(self, at: str) -> None:
        """Serve the initiator at HOST:PORT for ever; a new connection ends the one before."""
        endpoint: Endpoint = read_endpoint("listen", at)
        context = server_context(self._files)
        try:
            server = await asyncio.start_server(self._accept, *endpoint, ssl=context, ssl_handshake_timeout=CONNECT_S)
        except OSError as error:
            raise ParameterError(f"cannot listen on {at}: {error.strerror or error}") from None
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            self.hang_up()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            named(self._peer)(writer.get_extra_info("ssl_object"))
            self.hang_up()
            await self._converse(reader, writer)
        except (HarisError, OSError) as error:
            self._tell(str(error))
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keep_alive(writer)
        self._writer = writer
        self._deliver(Connected())
        try:
            while True:
                message = codec.decode(await receive_frame(reader, MAX_MESSAGE_OCTETS))
                if self._writer is not writer:
                    return
                self._deliver(Heard(message))
        except (HarisError, OSError) as error:
            if self._writer is writer:
                self._tell(str(error))
        finally:
            if self._writer is writer:
                self.hang_up()
            writer.transport.abort()
