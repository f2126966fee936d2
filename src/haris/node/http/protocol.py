"""One HTTP/1.1 connection of a server: octets in, requests to the handler in their order, responses out.

The parser is httptools (llhttp). Requests that a client sends ahead (pipelining) wait in a queue, and nothing more is
read while one is being answered. What breaks a rule gets its status, and the connection closes (RFC 9112): 400 no HTTP,
408 too slow, 413 body too long, 417 an expectation other than 100-continue, 431 head too long.

A body of a response that is a bytearray is wiped when it has been encrypted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Protocol, cast

import httptools

from haris.node.http.answers import joined, response_head, wipe
from haris.node.http.limits import HttpLimits
from haris.node.http.messages import Certificate, Connected, Handler, Request, Response, split_target
from haris.node.http.repeated import RepeatedFields
from haris.node.http.tls import READ_OCTETS, TlsServer
from haris.node.http.tls_psk import PskKeys, PskServer
from haris.node.system.promise import Promise
from haris.nouns.errors import Unauthorised

_log = logging.getLogger(__name__)
_NEVER = float("inf")
_LINGER_OCTETS = 1 << 20
_FRAMING = frozenset((b"content-length", b"transfer-encoding", b"expect"))


class Host(Protocol):
    """What a connection needs of the listener that it belongs to."""

    handler: Handler
    limits: HttpLimits
    date: bytes
    now: float  # the loop's clock, as of the last tick
    buffer: bytearray  # of one record, while it is parsed

    def refuse(self, status: int, text: str) -> Response:
        """The answer for a broken rule of HTTP."""

    def identify(self, certificate: Certificate | None) -> str:
        """Who the certificate names; Unauthorised when nobody."""

    @property
    def vet(self) -> Callable[[Certificate], Awaitable[None]] | None:
        """What raises Unauthorised for a certificate that is revoked, after some time perhaps."""

    def admit(self, connection: HttpConnection) -> bool:
        """Whether there is room for one more of this identity."""

    def forget(self, connection: HttpConnection) -> None:
        """The connection is gone."""

    def refused(self, reason: str) -> None:
        """Note why a connection was closed."""


class Phase(Enum):
    """Where a connection stands."""

    HANDSHAKE = auto()
    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    LINGERING = auto()  # the last answer is out; what still comes is thrown away, so that it is not lost to a reset
    CLOSED = auto()


class HttpConnection(asyncio.Protocol):
    """One client's connection. deadline: when the listener is to call `expire`, on the loop's clock."""

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop, context: ssl.SSLContext | PskKeys | None) -> None:
        self._host, self._limits = host, host.limits
        self._tls: TlsServer | PskServer | None = None
        if context is not None:
            self._tls = context.open() if isinstance(context, PskKeys) else TlsServer(context)
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._repeated = RepeatedFields(self._limits.head_octets)
        self._queue: deque[Request | Response] = deque()
        self._waiting = self._paused = self._stopped = self._closing = self._last = self._dropped = False
        self._linger_octets = 0
        self.phase = Phase.HANDSHAKE if context is not None else Phase.IDLE
        self.connected = Connected()
        self.deadline = loop.time() + self._limits.handshake_s
        self._begin()

    # What the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is here."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods alone
        name = transport.get_extra_info("peername")
        self.connected.address = str(name[0]) if name else ""
        if self._dropped:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone; a request that is being answered runs to its end, and its answer is wiped."""
        self._transport, self.phase = None, Phase.CLOSED
        self._queue.clear()
        self._host.forget(self)

    def pause_writing(self) -> None:
        """The client does not take its answers."""
        self._paused = True
        self.deadline = self._host.now + self._limits.write_s

    def resume_writing(self) -> None:
        """It does again."""
        self._paused = False
        self._arm()
        self._work()

    def eof_received(self) -> bool:
        """The client sends no more: answer what it asked, then close."""
        self._closing = True
        return bool(self._waiting or self._queue)

    def data_received(self, data: bytes) -> None:
        """Octets from the network."""
        if self.phase is Phase.LINGERING:
            self._linger_octets += len(data)
            if self._linger_octets > _LINGER_OCTETS:
                self.abort()
            return
        if self._tls is None:
            for at in range(0, len(data), READ_OCTETS):
                self._parse(memoryview(data)[at : at + READ_OCTETS])
        else:
            self._tls.feed(data)
            if self.phase is Phase.HANDSHAKE and not self._handshake():
                return
        if self._waiting or self._paused:
            self._stop_reading()
        else:
            self._work()

    # What the listener says

    def expire(self) -> None:
        """The deadline has passed."""
        slow = self.phase in (Phase.HEAD, Phase.BODY) and not self._waiting and not self._paused
        if slow and self._transport is not None and not self._last:
            self._host.refused(f"{self._name} sends too slowly")
            self._end(408, "the request took too long")
            self._work()
        elif self.phase is Phase.IDLE and not self._paused:
            self._close()
        else:
            self.abort()

    def finish(self) -> None:
        """Close now when idle, else when what was asked has been answered."""
        self._closing = True
        if not self._waiting and not self._queue:
            self._close()

    @property
    def busy(self) -> bool:
        """Whether something is being answered, or an answer is still on its way."""
        unsent = self._transport.get_write_buffer_size() if self._transport is not None else 0
        return self._waiting or bool(self._queue) or unsent > 0

    def abort(self) -> None:
        """Drop the connection, or the one that is about to be made."""
        self._dropped = True
        if self._transport is not None:
            self._transport.abort()

    # What the parser says

    def on_message_begin(self) -> None:
        """A request begins."""
        self.phase, self.deadline = Phase.HEAD, self._host.now + self._limits.head_s

    def on_url(self, part: bytes) -> None:
        """A piece of the target."""
        self._target += part
        self._head_octets += len(part)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        name = name.lower()
        self._headers.append((name, value))
        self._head_octets += len(name) + len(value)
        if name in _FRAMING:
            self._framing.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole: refuse early what must be refused."""
        if self._last:
            return
        if self._head_octets > self._limits.head_octets:
            self._end(431, f"the head of a request has at most {self._limits.head_octets} octets")
            return
        if self._parser.should_upgrade():
            self._end(400, "no other protocol is spoken here")
            return
        self._keep_alive = self._parser.should_keep_alive()
        for name, value in self._framing:
            if name == b"content-length":
                if len(value) > 18 or int(value) > self._limits.body_octets:
                    self._end(413, f"the body of a request has at most {self._limits.body_octets} octets")
                    return
                if value != b"0":
                    self._expect_body()
            elif name == b"transfer-encoding":
                self._expect_body()
            elif name == b"expect":
                if value.lower() != b"100-continue":
                    self._end(417, "the only expectation that is met is 100-continue")
                    return
                self._owes_continue = True

    def on_body(self, part: bytes) -> None:
        """A piece of the body."""
        if self._last:
            return
        if len(self._body) + len(part) > self._limits.body_octets:
            self._end(413, f"the body of a request has at most {self._limits.body_octets} octets")
            return
        self._body += part

    def on_message_complete(self) -> None:
        """A request is whole."""
        if self._last:
            return
        path, query = split_target(bytes(self._target))
        method = self._parser.get_method().decode("ascii")
        self._queue.append(Request(method, path, query, self._headers, self._body, self.connected))
        self._last = not self._keep_alive or method == "HEAD"  # whose client expects no body behind the head
        self._begin()
        self._rest()

    # Reading

    @property
    def _name(self) -> str:
        return self.connected.identity or self.connected.address

    def _begin(self) -> None:
        """Room for the next request."""
        self._target = bytearray()
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._framing: list[tuple[bytes, bytes]] = []
        self._head_octets = self._fed_octets = 0
        self._keep_alive = True
        self._owes_continue = False

    def _rest(self) -> None:
        self.phase = Phase.IDLE
        self.deadline = self._host.now + self._limits.idle_s

    def _expect_body(self) -> None:
        self.phase, self.deadline = Phase.BODY, self._host.now + self._limits.body_s

    def _arm(self) -> None:
        """A deadline for what the client has to do next, counted from now."""
        limits = self._limits
        if self.phase is Phase.IDLE:
            after_s = limits.idle_s
        else:
            after_s = limits.body_s if self.phase is Phase.BODY else limits.head_s
        self.deadline = self._host.now + after_s

    def _stop_reading(self) -> None:
        if not self._stopped and self._transport is not None:
            self._stopped = True
            self._transport.pause_reading()

    def _read_on(self) -> None:
        if self._stopped and self._transport is not None:
            self._stopped = False
            self._transport.resume_reading()

    def _handshake(self) -> bool:
        assert self._tls is not None
        try:
            done = self._tls.handshake()
        except ssl.SSLError as error:
            self._host.refused(f"{self._name}: TLS failed: {getattr(error, 'reason', None) or error}")
            self._flush()
            self._drop()
            return False
        self._flush()
        if not done:
            return False
        certificate = self.connected.certificate = self._tls.certificate
        try:
            self.connected.identity = self._tls.identity or self._host.identify(certificate)
        except Unauthorised as error:
            self.connected.refusal = str(error)
        if not self._host.admit(self):
            self._host.refused(f"{self._name} has too many connections")
            self._end(503, "too many connections")
        else:
            self._rest()
            if self._host.vet is not None and certificate is not None and self.connected.identity is not None:
                self._vet(self._host.vet(certificate))
        return True

    def _vet(self, asking: Awaitable[None]) -> None:
        """Answer nothing until it is known that the certificate still holds."""
        self._waiting = True
        future = asyncio.ensure_future(asking)
        future.add_done_callback(self._vetted)

    def _vetted(self, future: asyncio.Future[None]) -> None:
        self._waiting = False
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            if not isinstance(error, Unauthorised):
                _log.error("a certificate could not be vetted", exc_info=error)
            self.connected.veto = str(error) or "the certificate could not be vetted"
            self._host.refused(f"{self._name}: {self.connected.veto}")
        if self._transport is not None:
            self._work()

    def _read(self) -> bool:
        """Decrypt and parse one record; whether there may be more."""
        assert self._tls is not None
        buffer = self._host.buffer
        try:
            n_octets = self._tls.read(buffer)
        except ssl.SSLError as error:
            self._host.refused(f"{self._name}: TLS failed: {getattr(error, 'reason', None) or error}")
            self._flush()
            self._drop()
            return False
        if n_octets > 0:
            self._take(buffer, n_octets)
            buffer[:n_octets] = bytearray(n_octets)
            return True
        if n_octets == 0:
            self._closing = True
        return False

    def _take(self, buffer: bytearray, n_octets: int) -> None:
        """The requests of one record."""
        between = self.phase is Phase.IDLE and not self._queue
        request = self._repeated.read(buffer, n_octets, self.connected) if between else None
        if request is not None:
            self._queue.append(request)
            self._rest()
            return
        with memoryview(buffer)[:n_octets] as plaintext:
            self._parse(plaintext)
        if between and self.phase is Phase.IDLE and len(self._queue) == 1 and not self._last:
            parsed = self._queue[0]
            assert isinstance(parsed, Request)
            self._repeated.learn(buffer, n_octets, parsed)

    def _parse(self, data: memoryview) -> None:
        if self._last:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._last = True  # refused when its head was whole
        except httptools.HttpParserCallbackError:
            _log.exception("a request failed")
            self._end(503, "internal error")
        except httptools.HttpParserError:
            self._end(400, "the request is not HTTP/1.1")
        if self.phase is Phase.HEAD and not self._last:
            self._fed_octets += len(data)
            if self._fed_octets > self._limits.head_octets + READ_OCTETS:
                self._end(431, f"the head of a request has at most {self._limits.head_octets} octets")

    def _end(self, status: int, text: str) -> None:
        """The last thing that this connection answers."""
        self._last = True
        self._queue.append(self._host.refuse(status, text))

    # Answering

    def _work(self) -> None:
        """Answer what is queued, then read on, until either has to wait."""
        while not self._waiting and not self._paused and self._transport is not None:
            if self._queue:
                item = self._queue.popleft()
                if isinstance(item, Response):
                    self._send(item)
                else:
                    self._answer(item)
            elif self._owes_continue:
                self._owes_continue = False
                self._put(b"HTTP/1.1 100 Continue\r\n\r\n")
            elif self._last or self._tls is None or not self._read():
                break
        if self._waiting or self._paused:
            self._flush()
        elif self._closing and self.phase is not Phase.LINGERING:
            self._close()
        else:
            self._flush()
            self._read_on()

    def _answer(self, request: Request) -> None:
        try:
            answer = self._host.handler(request)
        except Exception:
            _log.exception("a request failed")
            answer = self._host.refuse(503, "internal error")
        if isinstance(answer, Response):
            self._send(answer)
            return
        self._waiting, self.deadline = True, _NEVER
        if isinstance(answer, Promise):
            answer.rescued(self._failed).then(self._respond)
            return
        future = answer if isinstance(answer, asyncio.Future) else asyncio.ensure_future(answer)
        future.add_done_callback(self._answered)

    def _answered(self, future: asyncio.Future[Response]) -> None:
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        self._respond(future.result() if error is None else self._failed(error))

    def _failed(self, error: BaseException) -> Response:
        if not isinstance(error, asyncio.CancelledError):
            _log.error("a request failed", exc_info=error)
        return self._host.refuse(503, "internal error")

    def _respond(self, response: Response) -> None:
        """The answer that was waited for is here."""
        self._waiting = False
        if self._transport is None:
            wipe(response.body)
            return
        self._arm()
        self._send(response)
        if self._queue or self._closing or self._last or self._stopped or self._owes_continue or self._has_more:
            self._work()
        else:
            self._flush()

    def _send(self, response: Response) -> None:
        last = (self._last or self._closing) and not self._queue
        head = response_head(response.status, response.content_type, response.headers, last)
        octets = joined(b"%s%sContent-Length: %d\r\n\r\n" % (head, self._host.date, len(response.body)), response.body)
        self._put(octets)
        wipe(octets)
        wipe(response.body)
        if last:
            self._flush()
            self._close()

    @property
    def _has_more(self) -> bool:
        return self._tls is not None and self._tls.has_more

    def _put(self, octets: bytes | bytearray) -> None:
        if self._tls is not None:
            self._tls.send(octets)
        elif self._transport is not None:
            self._transport.write(bytes(octets))

    def _flush(self) -> None:
        if self._tls is not None and self._transport is not None:
            ciphertext = self._tls.take()
            if ciphertext:
                self._transport.write(ciphertext)

    # Ending

    def _close(self) -> None:
        """Say goodbye, and let what is still under way be thrown away: a reset would take our answer with it."""
        transport = self._transport
        if transport is None:
            return
        if self._tls is not None and self.phase is not Phase.HANDSHAKE:
            self._tls.close()
            self._flush()
        self.phase, self.deadline = Phase.LINGERING, self._host.now + self._limits.linger_s
        self._read_on()
        with contextlib.suppress(OSError):  # the other end is gone already
            transport.write_eof()

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.close()
