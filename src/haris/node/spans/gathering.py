"""A light whose stretches one end fetches as they come, whatever the line to the other end does meanwhile."""

from __future__ import annotations

import asyncio

from haris.node.spans.driving import Run
from haris.node.spans.light import Attached
from haris.node.spans.pointing import Pointing
from haris.nouns.detections import Detections
from haris.nouns.errors import HarisError, PeerError
from haris.nouns.pulses import Pulses
from haris.quantum.distill.stretches import SeenLight, SentLight
from haris.quantum.orbit.passes import Pass
from haris.wire import light as wire


class Gathering:
    """One end's half of a light, and what became of it so far.

    name: of the light. half: what this end holds of it. flown: its pass, None where it was over already. attached: to
    its lamp, closed with the light. within_s: how long a stretch may take. over: no more of it comes.
    run: of the engine that makes a block of it, once it is closed.
    """

    def __init__(
        self,
        name: bytes,
        half: SentLight | SeenLight,
        flown: Pass | None,
        attached: Attached,
        within_s: float,
        pointing: Pointing,
        span: str,
    ) -> None:
        self.name, self.half, self.flown = name, half, flown
        self.over = False
        self.run: Run | None = None
        self._attached, self._within_s, self._pointing, self._span = attached, within_s, pointing, span
        self._more = asyncio.Event()
        self._task = asyncio.create_task(self._gather())

    async def more(self, within_s: float) -> None:
        """Wait for another stretch or the end, and no longer than within_s."""
        self._more.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._more.wait()
        except TimeoutError:
            pass

    async def stop(self) -> None:
        """No more of it is wanted."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _gather(self) -> None:
        try:
            async with self._pointing.held(self._span, self._within_s / 2.0):  # the other end's light waits, too
                number = 0
                while await self._fetch(number):
                    number += 1
                    self._more.set()
        except (HarisError, OSError, TimeoutError):
            pass  # the lamp or the other end of the light is gone: what came before is there
        finally:
            self.over = True
            self._more.set()
            await self._attached.close()

    async def _fetch(self, number: int) -> bool:
        """One stretch, in. False where there are no more."""
        async with asyncio.timeout(self._within_s):
            message = await self._attached.ask(wire.WantStretch(self.name, number))
        if isinstance(message, wire.NoLight):
            return False
        match self.half, wire.read_half(message):
            case SentLight() as half, Pulses() as pulses:
                half.add(pulses)
            case SeenLight() as half, Detections() as detections:
                half.add(detections)
            case _:
                raise PeerError(f"the light handed a {type(message).__name__} to the wrong end")
        return True
