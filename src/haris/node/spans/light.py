"""Emulated light as a process, of a fibre or of passes: it alone knows both halves of the light.

Alice and Bob attach to its Unix socket. When both want the same block, or stretch of one, that light is sampled: Alice
gets her Pulses, Bob his Detections, or each their Symbols. Eve, when she attaches, sets how much of the fibre she taps
from the next block on: she then intercepts and resends, whatever she did before.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from haris.node.spans.lamps import Lamp, Sample
from haris.node.system.streams import close_stream, receive_frame, send_frame
from haris.nouns.errors import HarisError, ParameterError, PeerError
from haris.quantum.attacks.intercept_resend import InterceptResend
from haris.wire import light as wire


class Light:
    """One lamp's life. seed: 32 octets from which every block's randomness follows."""

    def __init__(self, lamp: Lamp, seed: bytes) -> None:
        self._lamp, self._seed = lamp, seed
        self._n_blocks = 0
        self._waiting: dict[tuple[str, wire.Want], asyncio.Future[wire.Message]] = {}

    async def want(self, role: str, wanted: wire.Want) -> wire.Message:
        """This role's half of what it wants, once the other role wants it too."""
        loop = asyncio.get_running_loop()
        mine = self._waiting[role, wanted] = loop.create_future()
        other = self._waiting.get(("bob" if role == "alice" else "alice", wanted))
        try:
            if other is not None and not other.done():
                try:
                    theirs_and_mine = await self._halves(wanted, role, (mine, other))
                except HarisError as error:  # of this light, and of neither connection
                    if not other.done():
                        other.set_exception(error)
                    raise
                if not other.done():
                    other.set_result(theirs_and_mine[0])
                if not mine.done():  # released while the light shone: its connection is gone
                    mine.set_result(theirs_and_mine[1])
            half: wire.Message = await mine
            return half
        finally:
            if self._waiting.get((role, wanted)) is mine:
                del self._waiting[role, wanted]

    def _next_seed(self) -> bytes:
        """The seed of one block. Not for threads: two blocks must never share one."""
        self._n_blocks += 1
        return self._seed + self._n_blocks.to_bytes(8, "big")

    async def _halves(
        self, wanted: wire.Want, role: str, waiting: tuple[asyncio.Future[wire.Message], ...]
    ) -> tuple[wire.Message, wire.Message]:
        """The other role's and this role's half. What nobody waits for any more is not sampled."""
        sample = await self._lamp.shine(wanted)
        if sample is None or all(half.done() for half in waiting):
            return wire.NoLight(wanted.block), wire.NoLight(wanted.block)
        return await asyncio.to_thread(self._shine, wanted.block, role, self._next_seed(), sample)

    def _shine(self, block: bytes, role: str, seed: bytes, sample: Sample) -> tuple[wire.Message, wire.Message]:
        halves = sample(seed)
        alice, bob = (wire.half(block, half) for half in halves)
        return (bob, alice) if role == "alice" else (alice, bob)

    def release(self, role: str) -> None:
        """Forget what an earlier connection of this role still waits for: a role is one connection."""
        for waiting in [future for (who, _), future in self._waiting.items() if who == role]:
            if not waiting.done():
                waiting.set_exception(PeerError(f"{role} attached anew"))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end. Nonsense ends the connection, never the process."""
        try:
            attach = wire.decode(await receive_frame(reader, at_most=1024))
            if not isinstance(attach, wire.Attach):
                raise PeerError("the first message names a role")
            self.release(attach.role)
            while True:
                message = wire.decode(await receive_frame(reader, at_most=1024))
                answer = await self._answer(attach.role, message)
                await send_frame(writer, wire.encode(answer))
        except (HarisError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            await close_stream(writer)

    async def _answer(self, role: str, message: wire.Message) -> wire.Message:
        match role, message:
            case "eve", wire.Tap(fraction):
                self._lamp.tap(InterceptResend(fraction))
                return wire.Tapped(fraction)
            case (("alice" | "bob"), wire.WantBlock() | wire.WantStretch()):
                return await self.want(role, message)
        raise PeerError(f"{role} may not send {type(message).__name__}")


class Attached:
    """A site's end of a light: ask for blocks or stretches, one at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def attach(cls, socket: Path, role: str) -> Attached:
        """Connect to the light at a Unix socket. Raises PeerError when nothing answers there."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(socket))
        except OSError as error:
            raise PeerError(f"no light at {socket}: {error.strerror}") from None
        await send_frame(writer, wire.encode(wire.Attach(role)))  # type: ignore[arg-type]
        return cls(reader, writer)

    @property
    def is_over(self) -> bool:
        """Whether the light has gone."""
        return self._reader.at_eof()

    async def ask(self, message: wire.Message) -> wire.Message:
        """Send one message and wait for the answer."""
        await send_frame(self._writer, wire.encode(message))
        return wire.decode(await receive_frame(self._reader))

    async def close(self) -> None:
        """Let go of the fibre."""
        await close_stream(self._writer)


async def tap(socket: Path, fraction: float) -> None:
    """Let Eve intercept and resend `fraction` of the pulses of the fibre at a Unix socket, from its next block on."""
    eve = await Attached.attach(socket, "eve")
    try:
        await eve.ask(wire.Tap(fraction))
    finally:
        await eve.close()


async def run_light(lamp: Lamp, socket: Path, seed: bytes | None = None) -> None:
    """Serve one lamp until cancelled. seed: 32 octets, by default fresh.

    Raises ParameterError when the socket cannot be had.
    """
    if socket.is_socket():
        try:
            await (await Attached.attach(socket, "eve")).close()
        except PeerError:
            socket.unlink()  # left behind by a process that was killed
        else:
            raise ParameterError(f"another light already shines at {socket}")
    light = Light(lamp, os.urandom(32) if seed is None else seed)
    try:
        server = await asyncio.start_unix_server(light.serve, str(socket))
    except OSError as error:
        raise ParameterError(f"the light cannot listen at {socket}: {os.strerror(error.errno or 0)}") from None
    socket.chmod(0o600)
    try:
        async with server:
            await server.serve_forever()
    finally:
        socket.unlink(missing_ok=True)
