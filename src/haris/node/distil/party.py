"""One end as a process: it distils the halves that it is given with the end at the other side of a socket."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import thread_time
from typing import IO, TypeVar

from haris.node.distil import halves
from haris.node.distil.block import Block, Clock
from haris.node.distil.desk import DEPTH, Began, Exhausted, Failed, Finish, Order, Pads, Ready, Times, Verdict
from haris.node.distil.halves import Given
from haris.node.system.loop import run_in_loop
from haris.nouns.blocks import Distilled
from haris.nouns.errors import HarisError, ParameterError, PeerError
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.transcript import Sender
from haris.quantum.link import Link
from haris.wire.distillation import LIMITS

_FRAME = struct.Struct(">QBI")
_MESSAGE, _TAG, _GIVEN_UP = 0, 1, 2
BUFFER_OCTETS = 1 << 20
SHORT_OCTETS = 1 << 12
MOST_WAITING = 4
"""Frames of a block that may wait to be read. The ends alternate, so that at most a last message and a tag wait."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an end is told when it starts.

    name: 16 octets of the run, from which blocks have theirs. paths: of a recording's or raw files; None: the halves
    come through a pipe. raw: whether they are raw keys. out: where its keys go, if anywhere.
    """

    role: Sender
    link: Link
    name: bytes
    paths: dict[str, Path] | None
    raw: bool
    out: Path | None
    n_threads: int = 1

    def halves(self, pipe: IO[bytes] | None) -> Iterator[Given]:
        """The halves that this end is given."""
        if self.raw and self.paths is not None:
            yield from halves.raw(self.paths, self.role, self.link.agreement())
        elif self.paths is not None:
            path = self.paths[self.role.name.lower()]
            with path.open("rb") as file:
                yield from halves.recorded(file, str(path), self.role, self.link)
        else:
            assert pipe is not None
            yield from halves.recorded(pipe, f"{self.role.name.lower()}'s light", self.role, self.link)


class Party:
    """Blocks of one end that overlap. say, hear: to and from the desk. keep: told the octets of each key, in order."""

    def __init__(
        self,
        plan: Plan,
        given: Iterator[Given],
        say: Callable[[object], None],
        hear: Callable[[], Awaitable[Order]],
        keep: Callable[[bytes], None],
    ) -> None:
        self._plan, self._given = plan, given
        self._say, self._hear, self._keep = say, hear, keep
        self.clock = Clock()
        self.sent_octets = 0
        self.computed_s = 0.0  # by this thread, on turns
        self._pads: dict[int, asyncio.Future[Pads]] = {}
        self._inboxes: dict[int, asyncio.Queue[tuple[int, bytes]]] = {}
        self._keys: dict[int, bytes] = {}
        self._threads = ThreadPoolExecutor(plan.n_threads, thread_name_prefix="distil")

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Every block to its end. Raises ParameterError on input, PeerError when the other end is gone."""
        listening = asyncio.create_task(self._listen(reader))
        obeying = asyncio.create_task(self._obey())
        distilling = asyncio.create_task(self._distil_all(writer))
        running = {listening, obeying, distilling}
        try:
            while not obeying.done():
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                running -= done
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            self._threads.shutdown()

    async def _distil_all(self, writer: asyncio.StreamWriter) -> None:
        number = 0
        async with asyncio.TaskGroup() as blocks:
            while True:
                pads = await self._pads_of(number)  # the desk's word that there is room for a block more
                del self._pads[number]
                given = await self._compute(self._next_half)
                if given is None:
                    break
                self._say(Began(number))
                blocks.create_task(self._distil(given, pads, writer))
                number += 1
            self._say(Exhausted(number))

    def _next_half(self) -> Given | None:
        with self.clock.stage("light"):
            return next(self._given, None)

    async def _distil(self, given: Given, pads: Pads, writer: asyncio.StreamWriter) -> None:
        name = hashlib.sha256(self._plan.name + given.number.to_bytes(8, "big")).digest()[:16]
        block = Block(given.number, name, self._plan.role, pads.octets)
        inbox = self._inbox(given.number)
        said = await self._compute(block.begin, self._engine(block, given))
        del given  # time tags are not needed once they are sifted
        kind = _MESSAGE
        while said is not None or block.result is None:
            if said is not None:
                await self._send(writer, block.number, _MESSAGE, said)
            if block.result is not None:
                break
            kind, octets = await inbox.get()
            if kind == _MESSAGE and block.asking and len(octets) <= SHORT_OCTETS:
                began = thread_time()
                said = block.turn(octets)  # sooner done than handed to another thread
                self.computed_s += thread_time() - began
            elif kind == _MESSAGE:
                said = await self._compute(block.turn, octets)
            else:
                block.peer_gave_up()
                said = None
        await self._authenticate(block, inbox, writer, over=kind != _MESSAGE)
        outcome, key = await self._compute(block.outcome)
        self.clock.add(block.clock)
        del self._inboxes[block.number]
        if key:
            self._keys[block.number] = key
        self._say(outcome)

    async def _authenticate(
        self, block: Block, inbox: asyncio.Queue[tuple[int, bytes]], writer: asyncio.StreamWriter, over: bool
    ) -> None:
        """Both ends' last frames: the tag over what both have seen, or that there is no key. over: the peer's came."""
        tag = block.own_tag() if isinstance(block.result, Distilled) else None
        await self._send(writer, block.number, _GIVEN_UP if tag is None else _TAG, tag or b"")
        kind, octets = (_GIVEN_UP, b"") if over else (_MESSAGE, b"")
        while kind == _MESSAGE:
            kind, octets = await inbox.get()
        if tag is None:
            return
        if kind == _TAG:
            block.check(octets)
        else:
            block.peer_gave_up()

    def _engine(self, block: Block, given: Given) -> Engine:
        link, transcript = self._plan.link, block.transcript
        live, length = link.family.require_live(link), link.block_length
        if self._plan.role is Sender.ALICE:
            return live.alice(block.name, given.half, given.agreement, length, lambda _: b"", os.urandom, transcript)
        return live.bob(block.name, given.half, given.agreement, length, os.urandom, transcript)

    async def _obey(self) -> None:
        """Take the desk's orders until it says that nothing follows."""
        while not isinstance(order := await self._hear(), Finish):
            if isinstance(order, Pads):
                self._pads_of(order.number).set_result(order)
            elif isinstance(order, Verdict):
                key = self._keys.pop(order.number, b"")
                if order.keep:
                    await self._compute(self._keep, key)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                number, kind, length = _FRAME.unpack(await reader.readexactly(_FRAME.size))
                if length > LIMITS.message_octets:
                    raise PeerError(f"a message of {length} octets; at most {LIMITS.message_octets} are taken")
                inbox = self._inbox(number)
                if inbox.qsize() >= MOST_WAITING:
                    raise PeerError(f"the peer talks out of turn: block {number} has {MOST_WAITING} frames waiting")
                inbox.put_nowait((kind, await reader.readexactly(length)))
            except (asyncio.IncompleteReadError, OSError):
                return  # the desk knows why

    async def _send(self, writer: asyncio.StreamWriter, number: int, kind: int, octets: bytes) -> None:
        if len(octets) > LIMITS.message_octets:
            raise ParameterError(
                f"block {number} takes a message of {len(octets)} octets; at most {LIMITS.message_octets} are taken: "
                "its block_pulses are too many"
            )
        head = _FRAME.pack(number, kind, len(octets))
        if len(octets) <= SHORT_OCTETS:
            writer.write(head + octets)  # one call of the system, not two
        else:
            writer.writelines((head, octets))
        self.sent_octets += _FRAME.size + len(octets)
        await writer.drain()

    def _inbox(self, number: int) -> asyncio.Queue[tuple[int, bytes]]:
        if number not in self._inboxes and len(self._inboxes) > 3 * DEPTH:
            raise PeerError("the peer is too many blocks ahead")
        return self._inboxes.setdefault(number, asyncio.Queue())

    def _pads_of(self, number: int) -> asyncio.Future[Pads]:
        return self._pads.setdefault(number, asyncio.get_running_loop().create_future())

    async def _compute(self, function: Callable[..., R], *arguments: object) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


class KeyFile:
    """The keys of one end in a new file that only its owner can read; without a path, nowhere."""

    def __init__(self, path: Path | None) -> None:
        self._file = (
            None if path is None else os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        )

    def keep(self, octets: bytes) -> None:
        """Append a key."""
        if self._file is not None:
            self._file.write(octets)

    def sync(self) -> None:
        """Have all of it on the disk."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


def run_party(plan: Plan, channel: socket.socket, desk: Connection, pipe: int | None) -> None:
    """A process's life: one end of a run. What goes wrong is told to the desk, which ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the desk's process hears it, and ends this one
    try:
        keys = KeyFile(plan.out)
        run_in_loop(_run(plan, keys, channel, desk, pipe))
    except* (HarisError, OSError) as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        with contextlib.suppress(OSError):
            desk.send(Failed(str(error), of_input=isinstance(error, (ParameterError, OSError))))


async def _run(plan: Plan, keys: KeyFile, channel: socket.socket, desk: Connection, pipe: int | None) -> None:
    file = None if pipe is None else os.fdopen(pipe, "rb", BUFFER_OCTETS)
    reader, writer = await asyncio.open_unix_connection(sock=channel, limit=BUFFER_OCTETS)
    began = thread_time()
    desk.send(Ready())
    party = Party(plan, plan.halves(file), desk.send, _orders(desk), keys.keep)
    await party.run(reader, writer)
    keys.sync()
    party.clock.cpu_s["transport"] += thread_time() - began - party.computed_s
    desk.send(Times(party.clock.wall_s, party.clock.cpu_s, party.sent_octets))
    writer.close()


def _orders(desk: Connection) -> Callable[[], Awaitable[Order]]:
    """The desk's orders as they come. PeerError when it is gone."""
    loop, orders = asyncio.get_running_loop(), asyncio.Queue[Order | None]()

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError, RuntimeError):
            while True:
                loop.call_soon_threadsafe(orders.put_nowait, order := desk.recv())
                if isinstance(order, Finish):
                    return
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(orders.put_nowait, None)

    threading.Thread(target=listen, daemon=True).start()

    async def hear() -> Order:
        order = await orders.get()
        if order is None:
            raise PeerError("the process that started this one is gone")
        return order

    return hear
