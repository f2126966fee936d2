"""Several processes of one site on one store: each says that it is alive, one does what one alone should."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from haris.node.store.processes import TakenForDead
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import StoreError

BEAT_S = 2.0
LEAD_S = 8.0
"""A leader says so anew every BEAT_S; when it could not for LEAD_S, another leads, and it has stopped before."""


class ProcessStore(Protocol):
    """What this asks of the store: see node/store/processes.py."""

    def beat(self) -> tuple[str, ...]:
        """Say that this process is alive; take over from those that are dead. Returns their names."""

    def lead(self, task: str, for_s: float) -> bool:
        """Whether this process does a task, for so long from now on."""


async def stay_alive(
    store: ProcessStore, took_over: Callable[[], object], file_alarm: Callable[[Alarm], None], ended: Callable[[], None]
) -> None:
    """Say for ever that this process is alive. took_over: settle what a dead one had announced, in a thread.

    ended: called when another has taken this one for dead: it must not go on as if nothing had happened.
    """
    while True:
        try:
            for name in await asyncio.to_thread(store.beat):
                text = f"process {name} has died; what it left is settled here"
                file_alarm(Alarm(Severity.MAJOR, f"process {name}", text, AlarmKind.STORE))
                await asyncio.to_thread(took_over)
        except TakenForDead as error:
            file_alarm(Alarm(Severity.MAJOR, "store", str(error), AlarmKind.STORE))
            ended()
            return
        except StoreError:
            pass  # the database is away: who serves from it says so
        await asyncio.sleep(BEAT_S)


async def lead(store: ProcessStore, task: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run work, which has no end, while this process leads; stand by while another does. For ever."""
    clock = asyncio.get_running_loop().time
    running: asyncio.Task[None] | None = None
    asking: asyncio.Task[bool] | None = None
    until = 0.0
    try:
        while True:
            asked = clock()
            asking = asyncio.create_task(asyncio.to_thread(store.lead, task, LEAD_S))
            if running is not None:  # an answer may be long in coming: what was promised ends without it
                await asyncio.wait([asking], timeout=max(0.0, until - asked))
                if not asking.done():
                    await _end(running)
                    running, until = None, 0.0
            try:
                leads = await asking
                until = asked + LEAD_S - BEAT_S if leads else 0.0
            except StoreError:
                pass  # the store cannot be reached: lead as long as was promised
            if clock() < until and running is None:
                running = asyncio.create_task(work())
            elif clock() >= until and running is not None:
                await _end(running)
                running = None
            if running is not None and running.done():
                await running  # raises what it failed of
                running = None
            await asyncio.sleep(BEAT_S)
    finally:
        if asking is not None:
            asking.cancel()
        if running is not None:
            await _end(running)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
