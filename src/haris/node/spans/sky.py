"""The sky over a span through space, at our clock: the pass that lasts, and those to come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from haris.quantum.orbit.elements import DAY_S
from haris.quantum.space.contacts import Contacts
from haris.quantum.space.pass_key import PassKey

STEP_S = 0.5
"""Our clock may be set while one waits: it is looked at so often."""
LOOKS_AHEAD = 4
"""Passes are sought anew when one of so many parts of what is looked ahead has passed."""


class Sky:
    """Coming passes of one span, with their expected key. now_s: our clock, seconds since 1970.

    Its methods compute for milliseconds to tenths of seconds, once in a while: call them in a thread. They raise
    ParameterError when the satellite's elements are too old.
    """

    def __init__(self, contacts: Contacts, now_s: Callable[[], float] = time.time) -> None:
        self.contacts, self._now_s = contacts, now_s
        self._known: tuple[PassKey, ...] = ()
        self._sought_s: float | None = None

    def now_s(self) -> float:
        """The sky's time."""
        return self.contacts.clock.sky_s(self._now_s())

    def coming(self) -> tuple[PassKey, ...]:
        """The pass that lasts, if one does, and those to come, by rise."""
        now_s = self.now_s()
        step_s = self.contacts.days * DAY_S / LOOKS_AHEAD
        if self._sought_s is None or not self._sought_s <= now_s < self._sought_s + step_s:
            self._known = tuple(self.contacts.key(flown) for flown in self.contacts.coming(now_s))
            self._sought_s = now_s
        return tuple(each for each in self._known if each.flown.set_s > now_s)

    def lasting(self) -> PassKey | None:
        """What is left of the pass that lasts; None between passes, and where what is left would give no key."""
        now_s = self.now_s()
        first = next(iter(self.coming()), None)
        if first is None or first.secret_bits == 0 or first.flown.rise_s > now_s:
            return None
        rest = self.contacts.key(self.contacts.rest_of(first.flown, now_s))
        return rest if rest.secret_bits > 0 else None

    async def until(self, sky_s: float) -> None:
        """Wait until the sky's time has come."""
        while (wait_s := self.contacts.clock.wait_s(self._now_s(), sky_s)) > 0.0:
            await asyncio.sleep(min(wait_s, STEP_S))
