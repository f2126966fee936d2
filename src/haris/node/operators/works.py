"""What a gateway has running: work that goes on whoever waits for it, rounds again and again, and word of a change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from haris.nouns.errors import HarisError

Result = TypeVar("Result")
Round = Callable[[], Awaitable[None]]

_log = logging.getLogger(__name__)


class Works:
    """Tasks that share one thing that changes: the states of keys in the store."""

    def __init__(self) -> None:
        self._rounds: list[asyncio.Task[None]] = []
        self._work: set[asyncio.Task[Any]] = set()
        self._changed = asyncio.Event()

    def repeat(self, round_: Round, retry_s: float) -> None:
        """A round at once, after every change, and again after retry_s, for ever."""
        self._rounds.append(asyncio.create_task(self._for_ever(round_, retry_s)))

    async def close(self) -> None:
        """End the rounds; let what else runs come to its end."""
        for task in self._rounds:
            task.cancel()
        await asyncio.gather(*self._rounds, *self._work, return_exceptions=True)

    def wake(self) -> None:
        """Tell all that wait that something has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, read: Callable[[], Result | None]) -> Result:
        """What read, which blocks, gives once it gives something; asked again after each change."""
        while True:
            changed = self._changed
            found = await asyncio.to_thread(read)
            if found is not None:
                return found
            await changed.wait()

    def run(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Run something to its end, whoever waits for it."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)
        return task

    async def _for_ever(self, round_: Round, retry_s: float) -> None:
        while True:
            changed = self._changed
            try:
                await round_()
            except HarisError:
                pass  # told where it arose; the next round tries again
            except Exception as error:
                _log.error("keys between operators", exc_info=error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(retry_s):
                    await changed.wait()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._work.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, HarisError):
            _log.error("keys between operators", exc_info=error)
