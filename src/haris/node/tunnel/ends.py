"""The two ends of a tunnel as TCP servers: one TCP connection of the application is one session."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from haris.crypto.signing import Credentials
from haris.node.tunnel.stream import READ_OCTETS, Line, Report, Stream, TunnelEvent, reset
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import DeliveredKey
from haris.service.channel import Channel
from haris.service.tls_psk import KEY_OCTETS, Role, offered_key
from haris.service.tunnel import RekeyPolicy
from haris.wire.client_hello import parse_client_hello

HANDSHAKE_S = 10.0
_FIRST_BACKOFF_S, _LAST_BACKOFF_S = 0.25, 10.0

Address = tuple[str, int]


class KeySource(Protocol):
    """A key manager as its application sees it (ETSI GS QKD 014)."""

    async def enc_key(self, slave_sae: str) -> DeliveredKey:
        """A fresh key of 256 bits shared with slave_sae. Raises KeyUnavailable, PeerError, ParameterError."""

    async def dec_key(self, master_sae: str, key_id: UUID) -> DeliveredKey:
        """The key that master_sae took under key_id. Raises as enc_key does."""


@dataclass(frozen=True, slots=True)
class TunnelSettings:
    """What both ends need. peer_sae: the other end's SAE ID. report: receives every event."""

    keys: KeySource
    credentials: Credentials
    peer_sae: str
    policy: RekeyPolicy
    report: Report


class TunnelEnd:
    """A running end. streams: those that live, by session name."""

    def __init__(self, settings: TunnelSettings, to: Address) -> None:
        self.streams: dict[bytes, Stream] = {}
        self._settings = settings
        self._to = to
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, listen: Address) -> None:
        """Bind and serve. Raises ParameterError when the address cannot be had."""
        try:
            self._server = await asyncio.start_server(self._accept, *listen)
        except OSError as error:
            raise ParameterError(f"cannot listen on {listen[0]}:{listen[1]}: {error.strerror or error}") from None

    @property
    def port(self) -> int:
        """The port that was bound."""
        if self._server is None:
            raise ParameterError("this end has not been started")
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and reset what still runs."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the loop's next turn

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (HarisError, OSError, TimeoutError) as error:
            text = str(error) or "the peer took too long"
            self._settings.report(TunnelEvent("refused", text=text))
            if not writer.is_closing():
                reset(writer)
        except asyncio.CancelledError:
            if not writer.is_closing():
                reset(writer)
        finally:
            self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def _carry(self, stream: Stream, first: Line) -> None:
        session = first.channel.session or b""
        self.streams[session] = stream
        try:
            await stream.run(first)
        finally:
            del self.streams[session]


class Connector(TunnelEnd):
    """Accepts the application's connections, and carries each to the listener at `to` in a session of its own."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        settings = self._settings
        stream = Stream(
            Role.CONNECTOR,
            settings.policy,
            (reader, writer),
            settings.report,
            lambda s: self._line(s, patient=True),
        )
        await self._carry(stream, await self._line(stream, patient=False))

    async def _line(self, stream: Stream, patient: bool) -> Line:
        """The next epoch's line. Waits for keys; if patient, for an unwilling or absent peer too."""
        backoff_s = _FIRST_BACKOFF_S
        while True:
            try:
                async with asyncio.timeout(HANDSHAKE_S):
                    return await self._open(stream)
            except KeyUnavailable as error:
                wait_s = max(backoff_s, min(error.retry_after_s, _LAST_BACKOFF_S))
                stream.report("waiting", f"no key: {error}")
            except (HarisError, OSError, TimeoutError) as error:
                if not patient:
                    raise
                wait_s = backoff_s
                stream.report("waiting", f"no connection: {error or 'the listener took too long'}")
            await asyncio.sleep(wait_s)
            backoff_s = min(2 * backoff_s, _LAST_BACKOFF_S)

    async def _open(self, stream: Stream) -> Line:
        key = _tunnel_key(await self._settings.keys.enc_key(self._settings.peer_sae))
        session, epoch = stream.session or None, stream.tunnel.epoch + 1
        channel = Channel(Role.CONNECTOR, key.key_id, key.secret, self._settings.credentials, session, epoch)
        reader, writer = await asyncio.open_connection(*self._to)
        line = Line(channel, reader, writer)
        try:
            while not channel.authenticated:
                line.flush()
                line.early += channel.receive(await _some(reader), time.time_ns())
        except BaseException:
            _part(line)
            raise
        return line


class Listener(TunnelEnd):
    """Accepts connectors, and carries each session to the application at `to`."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HANDSHAKE_S):
            line = await self._meet(reader, writer)
            if line.channel.epoch > 0:
                await self._continue(line)
                return
            application = await asyncio.open_connection(*self._to)
            line.channel.answer()
            line.flush()
        settings = self._settings
        await self._carry(Stream(Role.LISTENER, settings.policy, application, settings.report), line)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Line:
        """Fetch the key that the ClientHello names, and let the connector introduce itself."""
        octets = b""
        while (hello := parse_client_hello(octets)) is None:
            octets += await _some(reader)
        key_id = offered_key(hello)
        key = _tunnel_key(await self._settings.keys.dec_key(self._settings.peer_sae, key_id))
        channel = Channel(Role.LISTENER, key_id, key.secret, self._settings.credentials)
        line = Line(channel, reader, writer)
        try:
            channel.receive(octets, time.time_ns())
            while not channel.introduced:
                line.flush()
                channel.receive(await _some(reader), time.time_ns())
        except BaseException:
            _part(line)
            raise
        return line

    async def _continue(self, line: Line) -> None:
        stream = self.streams.get(line.channel.session or b"")
        if stream is None:
            raise PeerError("the connector names a session that does not live here")
        await stream.until(lambda: stream.tunnel.may_attach)
        line.channel.answer()
        stream.attach(line)


def _tunnel_key(key: DeliveredKey) -> DeliveredKey:
    if len(key.secret) != KEY_OCTETS:
        raise PeerError(f"the key manager gave a key of {key.size_bits} bits; a tunnel needs {8 * KEY_OCTETS}")
    return key


async def _some(reader: asyncio.StreamReader) -> bytes:
    octets = await reader.read(READ_OCTETS)
    if not octets:
        raise PeerError("the peer closed the connection during the handshake")
    return octets


def _part(line: Line) -> None:
    """Let TLS say why, and leave."""
    line.flush()
    line.writer.close()
