"""The shell of one tunnel stream: an application's TCP connection and the lines that carry it, an epoch each."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from haris.nouns.errors import HarisError, PeerError
from haris.service.channel import Channel
from haris.service.framing import Frame
from haris.service.tls_psk import Role
from haris.service.tunnel import RekeyPolicy, Tunnel

READ_OCTETS = 1 << 16
_TICK_S = 0.05
_FAREWELL_S = 2.0


@dataclass(frozen=True, slots=True)
class TunnelEvent:
    """Something worth a line: epoch, waiting, resumed, refused, failed, closed.

    session: first 16 hexadecimal digits of its name. text: why. tls: of the epoch, with `signed`.
    """

    kind: str
    session: str = ""
    epoch: int = -1
    key_id: str = ""
    text: str = ""
    sent_octets: int = 0
    delivered_octets: int = 0
    tls: dict[str, str | bool] = field(default_factory=dict)


Report = Callable[[TunnelEvent], None]


@dataclass(slots=True)
class Line:
    """An authenticated channel with its TCP connection. early: frames that came with the authentication."""

    channel: Channel
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    early: list[Frame] = field(default_factory=list)
    retired: bool = False

    def flush(self) -> None:
        """Hand the channel's octets to TCP."""
        if octets := self.channel.outgoing():
            self.writer.write(octets)

    def retire(self) -> None:
        """Say that no more will come from here; the reader goes on to the peer's end."""
        if not self.retired:
            self.retired = True
            self.channel.close()
            self.flush()
            self.writer.write_eof()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a TCP connection with RST: what was lost must not look like an end of the stream."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Stream:
    """Drives one Tunnel between an application's connection and its lines.

    next_line: opens the next epoch's line and waits for keys as long as it takes (the connector's part), or None.
    """

    def __init__(
        self,
        role: Role,
        policy: RekeyPolicy,
        application: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        report: Report,
        next_line: Callable[[Stream], Awaitable[Line]] | None = None,
    ) -> None:
        self.session = b""
        self.tunnel = Tunnel(role, policy)
        self._reader, self._writer = application
        self._report = report
        self._next_line = next_line
        self._lines: dict[int, Line] = {}
        self._readers: list[asyncio.Task[None]] = []
        self._group: asyncio.TaskGroup | None = None
        self._change = asyncio.Event()
        self._done = asyncio.Event()
        self._waiting = False

    async def run(self, first: Line) -> None:
        """Carry the application until both directions end. A failure resets it: no loss looks like an end."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self.attach(first)
                workers = [group.create_task(work) for work in (self._from_application(), self._keep_keyed())]
                await self._done.wait()
                for worker in workers:
                    worker.cancel()
                for line in self._lines.values():
                    line.retire()
                await asyncio.wait(self._readers, timeout=_FAREWELL_S)
                for reader in self._readers:
                    reader.cancel()
            self._writer.close()
            self.report("closed")
        except* (HarisError, OSError) as errors:
            self.report("failed", str(errors.exceptions[0]) or type(errors.exceptions[0]).__name__)
        finally:
            self._group = None
            for writer in (self._writer, *(line.writer for line in self._lines.values())):
                if not writer.is_closing():
                    reset(writer)

    def attach(self, line: Line) -> None:
        """Take an authenticated line into use as the next epoch. Raises PeerError when it comes out of turn."""
        if self._group is None or self._done.is_set():
            raise PeerError("the session has ended")
        self.tunnel.attach(line.channel, time.monotonic_ns())
        self.session = line.channel.session or b""
        self._lines[line.channel.epoch] = line
        self._readers.append(self._group.create_task(self._read_line(line)))
        self.report("epoch")
        self._flush()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a change after which the condition holds."""
        while not condition():
            self._change.clear()
            await self._change.wait()

    def report(self, kind: str, text: str = "") -> None:
        """File an event about this stream in its present state."""
        line = self._lines.get(self.tunnel.epoch)
        facts = line.channel.facts if line else None
        self._report(
            TunnelEvent(
                kind,
                session=self.session.hex()[:16],
                epoch=self.tunnel.epoch,
                key_id=str(line.channel.key_id) if line else "",
                text=text,
                sent_octets=self.tunnel.sent_octets,
                delivered_octets=self.tunnel.delivered_octets,
                tls={"version": facts.version, "group": facts.group, "psk": facts.psk, "signed": True}
                if facts and line and line.channel.authenticated
                else {},
            )
        )

    async def _from_application(self) -> None:
        while octets := await self._reader.read(READ_OCTETS):
            await self.until(lambda: self.tunnel.may_send)
            self.tunnel.send(octets)
            self._flush()
            await self._lines[self.tunnel.epoch].writer.drain()
        self.tunnel.close_send()
        self._flush()

    async def _keep_keyed(self) -> None:
        """The clock of the stream: sees that a key is old, and has the next epoch made."""
        while True:
            await self._tick()
            if self._next_line and self.tunnel.rekey_due(time.monotonic_ns()):
                self.attach(await self._make(self._next_line))

    async def _make(self, next_line: Callable[[Stream], Awaitable[Line]]) -> Line:
        """Make the next line while the present one still carries, as long as its key allows."""
        making = asyncio.ensure_future(next_line(self))
        try:
            making.add_done_callback(lambda _: self._change.set())
            while not making.done():
                await self._tick()
            return making.result()
        finally:
            making.cancel()

    async def _tick(self) -> None:
        """Return at the next change; without any, look at the clock for what waits."""
        self._change.clear()
        try:
            async with asyncio.timeout(_TICK_S):
                await self._change.wait()
        except TimeoutError:
            self._flush()
            if self.tunnel.overdue(time.monotonic_ns()) and not self._waiting:
                self._waiting = True
                self.report("waiting", "the key may carry no more, and there is no fresh one yet")

    async def _read_line(self, line: Line) -> None:
        epoch = line.channel.epoch
        await self._deliver(epoch, line.early)
        while True:
            await self.until(lambda: line.retired or self.tunnel.may_read(epoch))
            try:
                octets = await line.reader.read(READ_OCTETS)
            except OSError:
                if not (line.retired or self.tunnel.finished):
                    raise
                octets = b""
            if not octets:
                break
            if not line.retired:
                await self._deliver(epoch, line.channel.receive(octets, time.time_ns()))
        if not (line.retired or self.tunnel.finished):
            raise PeerError("the connection ended before the stream did")
        line.writer.close()
        self._lines.pop(epoch, None)

    async def _deliver(self, epoch: int, frames: list[Frame]) -> None:
        if not frames:
            return
        ended_before = self.tunnel.received_all
        if octets := self.tunnel.receive(epoch, frames):
            self._writer.write(octets)
        if self.tunnel.received_all and not ended_before:
            self._writer.write_eof()
        self._flush()
        await self._writer.drain()

    def _flush(self) -> None:
        """Send what may go out. Never waits: a reader that waited for its peer's reader could wait for ever."""
        now_ns = time.monotonic_ns()
        self.tunnel.pump(now_ns)
        for line in self._lines.values():
            if not line.retired:
                line.flush()
        for carrier in self.tunnel.retire():
            self._lines[carrier.epoch].retire()
        if self._waiting and not self.tunnel.overdue(now_ns):
            self._waiting = False
            self.report("resumed")
        if self.tunnel.finished:
            self._done.set()
        self._change.set()
