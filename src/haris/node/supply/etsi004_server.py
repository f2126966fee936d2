"""The face of ETSI GS QKD 004: TLS sockets, each with its caller's certificate, dialect and calls one after another."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable
from ssl import SSLContext
from typing import cast

from haris.node.http.listener import Vet, identity_of
from haris.node.http.messages import Certificate
from haris.node.http.tls import harden
from haris.node.pki.identity import verified_chain
from haris.node.supply.etsi004_calls import Calls
from haris.node.system.streams import close_stream, keep_alive, put
from haris.nouns.errors import ParameterError, Unauthorised
from haris.wire.etsi004 import HEADER_OCTETS, Framing, KeyGiven, OpenConnect, Service
from haris.wire.etsi004_octets import read_header, read_request, write_answer

HANDSHAKE_TIMEOUT_S = 10.0
PAYLOAD_TIMEOUT_S = 10.0
MAX_CONNECTIONS = 1024
MAX_CONNECTIONS_EACH = 128
"""Of one identity."""

MAX_HANDSHAKES = 128
"""At one time; the oldest gives way to one more."""

_ACCEPT_PAUSE_S = 0.1
_BACKLOG = 256
_log = logging.getLogger(__name__)


class Etsi004Server:
    """Serves calls until it is closed. A connection that sends what is no call is closed without an answer."""

    def __init__(
        self,
        calls: Calls,
        context: SSLContext,
        identify: Callable[[Certificate | None], str] = identity_of,
        vet: Vet | None = None,
    ) -> None:
        """identify: the SAE ID that a verified certificate gives its holder; Unauthorised when none.

        vet: raises Unauthorised for a certificate that is revoked. context may be replaced for connections to come.
        """
        self._calls, self._identify, self._vet = calls, identify, vet
        self.context = context
        self._accepting: asyncio.Task[None] | None = None
        self._handshakes: dict[asyncio.Task[None], None] = {}  # in the order of their arrival
        self._connections: dict[asyncio.Task[None], Certificate | None] = {}
        self._each: Counter[str] = Counter()

    @property
    def context(self) -> SSLContext:
        """TLS of the connections to come."""
        return self._context

    @context.setter
    def context(self, context: SSLContext) -> None:
        harden(context)
        self._context = context

    async def vet_again(self) -> int:
        """Drop every connection whose certificate has been revoked; returns how many."""
        dropped = 0
        for task, certificate in list(self._connections.items()):
            try:
                if self._vet is not None and certificate is not None:
                    await self._vet(certificate)
            except Unauthorised as error:
                _log.warning("004: a connection is dropped: %s", error)
                task.cancel()
                dropped += 1
        return dropped

    async def listen(self, host: str, port: int) -> int:
        """Listen, on any free port for port 0; returns the port. Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        listener.setblocking(False)
        self._accepting = asyncio.create_task(self._accept_all(listener))
        return int(listener.getsockname()[1])

    async def close(self) -> None:
        """Take no more connections, and end those that are there."""
        tasks = [*self._handshakes, *self._connections]
        if self._accepting is not None:
            tasks.append(self._accepting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept_all(self, listener: socket.socket) -> None:
        """Take connections for ever. Each has its own TLS from its first octet, which no start_tls could promise."""
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    connection, _ = await loop.sock_accept(listener)
                except OSError:  # too many files are open, or it has gone
                    await asyncio.sleep(_ACCEPT_PAUSE_S)
                    continue
                task = asyncio.create_task(self._accept(connection))
                self._handshakes[task] = None
                task.add_done_callback(lambda done: self._handshakes.pop(done, None))  # it may end unbegun
                if len(self._handshakes) > MAX_HANDSHAKES:
                    next(iter(self._handshakes)).cancel()

    async def _accept(self, connection: socket.socket) -> None:
        """The handshake, then the calls."""
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S
            )
        except (OSError, asyncio.CancelledError):  # no TLS of ours, or gone
            connection.close()
            return
        finally:
            self._handshakes.pop(_current(), None)
        await self.serve(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection after its handshake, to its end."""
        task = _current()
        self._connections[task] = None
        try:
            if len(self._connections) <= MAX_CONNECTIONS:
                await self._converse(reader, writer)
        except (ParameterError, Unauthorised) as error:
            _log.warning("004: %s: %s", writer.get_extra_info("peername"), error)
        except (asyncio.IncompleteReadError, OSError):  # it has gone, TimeoutError included
            pass
        except asyncio.CancelledError:  # the server closes
            pass
        except Exception:
            _log.exception("004: a call failed")
        finally:
            self._calls.detach(writer)
            self._connections.pop(task, None)
            await close_stream(writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("ssl_object")
        der = connection.getpeercert(binary_form=True)
        certificate = None if der is None else Certificate(der, verified_chain(connection))
        caller = self._identify(certificate)
        if self._vet is not None and certificate is not None:
            await self._vet(certificate)
        self._connections[_current()] = certificate
        keep_alive(writer)
        self._each[caller] += 1
        try:
            if self._each[caller] > MAX_CONNECTIONS_EACH:
                raise Unauthorised(f"{caller} has more than {MAX_CONNECTIONS_EACH} connections")
            await self._take_calls(caller, reader, writer)
        finally:
            self._each -= Counter((caller,))  # and forget who has none

    async def _take_calls(self, caller: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spoken: Framing | None = None
        while octets := await reader.read(1):
            async with asyncio.timeout(PAYLOAD_TIMEOUT_S):
                header = read_header(octets + await reader.readexactly(HEADER_OCTETS - 1))
                if header.service not in (Service.OPEN_CONNECT, Service.GET_KEY, Service.CLOSE):
                    raise ParameterError(f"a message of type {header.service.name} is not taken here")
                payload = await reader.readexactly(header.length)
            request, framing = read_request(header, payload)
            if isinstance(request, OpenConnect):
                spoken = framing
            elif spoken is not None and spoken.version == framing.version:
                framing = spoken
            answer = await self._calls.answer(caller, request, writer)
            octets_out = write_answer(answer, framing)
            if isinstance(answer, KeyGiven) and isinstance(answer.key, bytearray):
                answer.key[:] = bytes(len(answer.key))
            async with asyncio.timeout(PAYLOAD_TIMEOUT_S):
                put(writer, octets_out)  # encrypted at once
                octets_out[:] = bytes(len(octets_out))
                await writer.drain()


def _current() -> asyncio.Task[None]:
    return cast("asyncio.Task[None]", asyncio.current_task())
