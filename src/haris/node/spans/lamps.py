"""What shines on a span: an emulated fibre at any time, an emulated satellite while a pass lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from haris.node.spans.sky import Sky
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.quantum.attacks.attack import Attack
from haris.quantum.attacks.attacked import attacked
from haris.quantum.attacks.intercept_resend import InterceptResend
from haris.quantum.link import Link
from haris.quantum.space.pass_key import Slots
from haris.quantum.space.pass_light import PassEmulation
from haris.wire.light import Want, WantBlock, WantStretch

Sample = Callable[[bytes], tuple[Any, Any]]
"""From a seed, Alice's half and Bob's half of a block."""
STRETCH_S = 5.0
"""Of a pass' light, told of at once."""
MOST_CLICKS = 2**26
"""Of a pass: those of one that the Sun floods have no room."""


class Lamp(Protocol):
    """Light, block by block or stretch by stretch."""

    async def shine(self, wanted: Want) -> Sample | None:
        """What both ends want, once it is over. None: there is no such light, or no more of it."""

    def tap(self, attack: Attack) -> None:
        """Let Eve do this from the next block on. Raises ParameterError for an attack that this light does not know."""


class FibreLamp:
    """The light of a fibre: at once, however long it would last."""

    def __init__(self, link: Link, attack: Attack | None = None) -> None:
        self._link, self._attack = link, attack

    async def shine(self, wanted: Want) -> Sample | None:
        """A block at once; it has no stretches."""
        if not isinstance(wanted, WantBlock):
            return None
        fibre = self._link if self._attack is None else attacked(self._link, self._attack)
        return partial(fibre.emulate, self._link.protocol.block_pulses)

    def tap(self, attack: Attack) -> None:
        """Any attack."""
        self._attack = attack


@dataclass(slots=True)
class _Shining:
    """A light that both ends wanted in a pass. number: of its next stretch."""

    name: bytes
    slots: Slots
    step: int
    number: int = 0
    emulation: PassEmulation | None = None

    @property
    def until_slot(self) -> int:
        """Where the next stretch ends."""
        return min((self.number + 1) * self.step, self.slots.unix_s.size)

    @property
    def is_over(self) -> bool:
        """Whether all of it has shone."""
        return self.number * self.step >= self.slots.unix_s.size


class PassLamp:
    """The light of passes, in stretches. It takes the time that the pass takes, by the clock of its sky."""

    def __init__(self, sky: Sky, attack: Attack | None = None) -> None:
        self._sky, self._eve_fraction = sky, 0.0
        self._shining: _Shining | None = None
        if attack is not None:
            self.tap(attack)

    async def shine(self, wanted: Want) -> Sample | None:
        """The next stretch of what is left of the pass. None between passes, and of passes without a key."""
        if not isinstance(wanted, WantStretch):
            return None
        if wanted.number == 0:
            self._shining = await self._begin(wanted.block)
        lit = self._shining
        if lit is None or (lit.name, lit.number) != (wanted.block, wanted.number) or lit.is_over:
            return None
        slots, until, link, fraction = lit.slots, lit.until_slot, self._sky.contacts.link, self._eve_fraction
        await self._sky.until(float(slots.unix_s[until - 1]) + slots.duration_s / 2.0)
        lit.number += 1

        def sample(seed: bytes) -> tuple[Pulses, Detections]:
            lit.emulation = lit.emulation or PassEmulation(slots, link, seed)
            return lit.emulation.stretch(until, fraction)

        return sample

    async def _begin(self, name: bytes) -> _Shining | None:
        rest = await asyncio.to_thread(self._sky.lasting)
        if rest is None or rest.sifted_bits > MOST_CLICKS / 4:
            return None
        return _Shining(name, rest.slots, max(1, round(STRETCH_S / rest.slots.duration_s)))

    def tap(self, attack: Attack) -> None:
        """Intercept and resend, from the next stretch on."""
        if not isinstance(attack, InterceptResend):
            raise ParameterError("on the light of a pass Eve can only intercept and resend")
        self._eve_fraction = attack.fraction
