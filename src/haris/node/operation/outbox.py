"""Messages on their way to a receiver that may be slow or away: nobody waits for them, and a lost one is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 60.0

T = TypeVar("T")


class Outbox(Generic[T]):
    """A bounded queue in front of one receiver. lost: how many found it full, oldest kept. sent: how many went."""

    def __init__(self, send: Callable[[T], Awaitable[None]], at_most: int = 1000) -> None:
        """send: hands one over; OSError when the receiver cannot be had: it is tried again, later and later."""
        self._send, self._queue = send, asyncio.Queue[T](at_most)
        self.lost, self.sent = 0, 0

    def put(self, item: T) -> None:
        """Send when it is its turn. Returns at once; call it on the loop."""
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.lost += 1

    async def run(self) -> None:
        """Send for ever."""
        pause_s = FIRST_PAUSE_S
        while True:
            item = await self._queue.get()
            while True:
                try:
                    await self._send(item)
                except OSError:
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, LAST_PAUSE_S)
                    continue
                break
            pause_s = FIRST_PAUSE_S
            self.sent += 1
            self._queue.task_done()

    async def flush(self, within_s: float) -> None:
        """Wait, but no longer than this, until all has been sent; what is then left counts as lost."""
        try:
            async with asyncio.timeout(within_s):
                await self._queue.join()
        except TimeoutError:
            self.lost += self._queue.qsize()
