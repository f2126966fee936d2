"""Stands between key managers with certificates of both, and repeats, delays, reorders and loses their requests.

A caller that hears nothing asks again, and what it asked first may still arrive later: this makes that happen often.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable

from haris.node.system.streams import close_stream

REPLAY_S = 10.0
"""How old a request may be that arrives once more: longer than any caller waits."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class RepeatingFace:
    """Listens in place of one peer face and passes on to it.

    server: TLS of who is called. client: TLS as a caller, by the common name of the caller's certificate.
    trouble: the probability of each misdeed for a request, now. happened: how many there were.
    """

    def __init__(
        self,
        listen: tuple[str, int],
        to: int,
        server: ssl.SSLContext,
        client: Callable[[str], ssl.SSLContext],
        chance: random.Random,
    ) -> None:
        self.trouble = 0.0
        self.happened: Counter[str] = Counter()
        self._listen, self._to, self._tls, self._client, self._chance = listen, to, server, client, chance
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._past: deque[tuple[float, str, bytes]] = deque(maxlen=64)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, *self._listen, ssl=self._tls)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        subject = writer.get_extra_info("peercert")["subject"]
        caller = next(value for part in subject for name, value in part if name == "commonName")
        onward: Streams | None = None
        try:
            onward = await self._dial(caller)
            while True:
                request = await _message(reader)
                answer = await self._one(caller, request, onward)
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()
            if onward is not None:
                onward[1].transport.abort()

    async def _one(self, caller: str, request: bytes, onward: Streams) -> bytes | None:
        """The answer to a request, or None to break the connection."""
        chance, p = self._chance, self.trouble
        self.happened["carried"] += 1
        if chance.random() < p:
            self.happened["lost"] += 1
            return None
        if chance.random() < p:
            self.happened["delayed"] += 1
            await asyncio.sleep(chance.uniform(0.05, 1.0))
        if chance.random() < p:
            self.happened["repeated"] += 1
            self._later(0.0, caller, request)
        if chance.random() < p / 2:  # the caller hears nothing of a request that arrives long after it
            self.happened["late"] += 1
            self._later(chance.uniform(0.5, REPLAY_S), caller, request)
            return None
        recent = [past for past in self._past if time.monotonic() - past[0] < REPLAY_S]
        if recent and chance.random() < p:
            self.happened["replayed"] += 1
            self._later(chance.uniform(0, 0.1), *chance.choice(recent)[1:])
        self._past.append((time.monotonic(), caller, request))
        onward[1].write(request)
        answer = await _message(onward[0])
        if chance.random() < p:
            self.happened["answer lost"] += 1
            return None
        return answer

    def _later(self, after_s: float, caller: str, request: bytes) -> None:
        async def send() -> None:
            await asyncio.sleep(after_s)
            try:
                reader, writer = await self._dial(caller)
                writer.write(request)
                async with asyncio.timeout(10):
                    await _message(reader)
                await close_stream(writer)
            except (OSError, asyncio.IncompleteReadError):
                return

        task = asyncio.create_task(send())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dial(self, caller: str) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self._to, ssl=self._client(caller))


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One HTTP message whose length its header names."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)
