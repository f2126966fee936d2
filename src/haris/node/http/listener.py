"""A port that serves HTTP: its connections, what they may cost together, and its end."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path

from haris.node.http.limits import HttpLimits
from haris.node.http.messages import Certificate, Handler, Response
from haris.node.http.protocol import HttpConnection, Phase
from haris.node.http.tls import READ_OCTETS, harden
from haris.node.http.tls_psk import PskKeys
from haris.node.pki.identity import IdentityTable
from haris.node.pki.identity import identity_of as identity_in
from haris.nouns.errors import Unauthorised

_log = logging.getLogger(__name__)
DEFAULT_LIMITS = HttpLimits()
_BACKLOG = 256
_TICK_S = 1.0
_GRACE_S = 5.0

Refuse = Callable[[int, str], Response]
"""The answer for a broken rule of HTTP: (status, text)."""


Vet = Callable[[Certificate], Awaitable[None]]
"""Asked once a connection, before its first request is answered: raises Unauthorised for a revoked certificate."""


def identity_of(certificate: Certificate | None) -> str:
    """Who a client is by its Subject CN. Raises Unauthorised."""
    return identity_in(None if certificate is None else certificate.der, "common-name", IdentityTable())


class HttpListener:
    """One listening port. Made by `listen`.

    port: where it listens. context: TLS of the connections to come, which may be replaced at any time; None: no TLS,
    and no identity.
    """

    def __init__(
        self,
        handler: Handler,
        refuse: Refuse,
        context: ssl.SSLContext | PskKeys | None,
        limits: HttpLimits,
        identify: Callable[[Certificate | None], str],
        vet: Vet | None = None,
    ) -> None:
        self.handler, self.refuse, self.limits, self.identify = handler, refuse, limits, identify
        self.vet = vet
        self.context = context
        self.buffer = bytearray(READ_OCTETS)
        self.date, self.now, self.port = b"", 0.0, 0
        self._connections: dict[HttpConnection, None] = {}  # in the order of their arrival
        self._handshakes: dict[HttpConnection, None] = {}
        self._each: Counter[str] = Counter()
        self._refusals, self._last_refusal = 0, ""
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._path: Path | None = None

    @property
    def context(self) -> ssl.SSLContext | PskKeys | None:
        """TLS of the connections to come."""
        return self._context

    @context.setter
    def context(self, context: ssl.SSLContext | PskKeys | None) -> None:
        if isinstance(context, ssl.SSLContext):
            harden(context)
        self._context = context

    @property
    def n_connections(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    async def open(self, host: str, port: int) -> None:
        """Begin to listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port, backlog=_BACKLOG)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._tick(loop)

    async def open_path(self, path: Path) -> None:
        """Begin to listen at a Unix socket that its owner alone may use. Raises OSError."""
        loop = asyncio.get_running_loop()
        before = os.umask(0o177)
        try:
            self._server = await loop.create_unix_server(self._connection, str(path), backlog=_BACKLOG)
        finally:
            os.umask(before)
        self._path = path
        self._tick(loop)

    async def close(self) -> None:
        """Take no more requests, let those end that are being answered, close every connection."""
        if self._timer is not None:
            self._timer.cancel()
        if self._server is None:
            return
        self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        for connection in list(self._connections):
            connection.finish()
        loop = asyncio.get_running_loop()
        until = loop.time() + _GRACE_S
        while any(each.busy for each in self._connections) and loop.time() < until:
            await asyncio.sleep(0.01)
        for connection in list(self._connections):
            connection.abort()
        while self._connections and loop.time() < until:
            await asyncio.sleep(0)
        self._server = None

    async def vet_again(self) -> int:
        """Ask about the certificate of every open connection, and drop those that are refused; returns how many."""
        dropped = 0
        for connection in list(self._connections):
            certificate = connection.connected.certificate
            if self.vet is None or certificate is None:
                continue
            try:
                await self.vet(certificate)
            except Unauthorised as error:
                self.refused(str(error))
                connection.abort()
                dropped += 1
        return dropped

    # What a connection asks

    def admit(self, connection: HttpConnection) -> bool:
        """After the handshake: whether its identity may have one more connection."""
        self._handshakes.pop(connection, None)
        name = connection.connected.identity
        if name is None:
            return True
        self._each[name] += 1
        return self._each[name] <= self.limits.connections_each

    def forget(self, connection: HttpConnection) -> None:
        """It is gone."""
        admitted = connection not in self._handshakes
        self._handshakes.pop(connection, None)
        self._connections.pop(connection, None)
        name = connection.connected.identity
        if name is not None and admitted:
            self._each[name] -= 1
            if not self._each[name]:
                del self._each[name]

    def refused(self, reason: str) -> None:
        """Note why a connection was closed. Told once a tick, so that nobody can flood the log."""
        self._refusals, self._last_refusal = self._refusals + 1, reason

    # Within

    def _connection(self) -> HttpConnection:
        connection = HttpConnection(self, asyncio.get_running_loop(), self.context)
        self._connections[connection] = None
        if connection.phase is Phase.HANDSHAKE:
            self._handshakes[connection] = None
        if len(self._handshakes) > self.limits.handshakes or len(self._connections) > self.limits.connections:
            oldest = next(iter(self._handshakes), connection)
            self.refused(f"{oldest.connected.address or 'a client'}: too many connections")
            oldest.abort()
        return connection

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Once in a while: the date, the deadlines, and what was refused."""
        self.date = f"Date: {formatdate(usegmt=True)}\r\n".encode("ascii")
        self.now = loop.time()
        for connection in [each for each in self._connections if each.deadline < self.now]:
            connection.expire()
        if self._refusals:
            _log.warning("connections refused: %d, the last because %s", self._refusals, self._last_refusal)
            self._refusals = 0
        limits = self.limits
        shortest = min(limits.handshake_s, limits.head_s, limits.body_s, limits.idle_s, limits.write_s, limits.linger_s)
        self._timer = loop.call_later(min(_TICK_S, shortest / 2), self._tick, loop)


async def listen(
    handler: Handler,
    refuse: Refuse,
    context: ssl.SSLContext | PskKeys | None,
    host: str,
    port: int,
    limits: HttpLimits = DEFAULT_LIMITS,
    identify: Callable[[Certificate | None], str] = identity_of,
    vet: Vet | None = None,
) -> HttpListener:
    """Serve handler on a port; 0: any free one. handler raises nothing, as Face of supply/routes.py. Raises OSError."""
    listener = HttpListener(handler, refuse, context, limits, identify, vet)
    await listener.open(host, port)
    return listener


async def listen_at_path(
    handler: Handler, refuse: Refuse, path: Path, limits: HttpLimits = DEFAULT_LIMITS
) -> HttpListener:
    """Serve handler at a Unix socket, without TLS and identities: whoever may open it is its owner. Raises OSError."""
    listener = HttpListener(handler, refuse, None, limits, identity_of)
    await listener.open_path(path)
    return listener
