"""What shines on a span: an emulated fibre at any time, an emulated satellite while a pass lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from haris.node.spans.sky import Sky
from haris.nouns.errors import ParameterError
from haris.quantum.attacks.attack import Attack
from haris.quantum.attacks.attacked import attacked
from haris.quantum.attacks.intercept_resend import InterceptResend
from haris.quantum.link import Link
from haris.quantum.space.pass_light import emulate_pass

Sample = Callable[[bytes], tuple[Any, Any]]
"""From a seed, Alice's half and Bob's half of a block."""
MOST_CLICKS = 2**26
"""Of a pass: those of one that the Sun floods have no room."""


class Lamp(Protocol):
    """Light, block by block."""

    async def block(self) -> Sample | None:
        """What shines from now on as one block, once it is over. None: there is no light now."""

    def tap(self, attack: Attack) -> None:
        """Let Eve do this from the next block on. Raises ParameterError for an attack that this light does not know."""


class FibreLamp:
    """The light of a fibre: at once, however long it would last."""

    def __init__(self, link: Link, attack: Attack | None = None) -> None:
        self._link, self._attack = link, attack

    async def block(self) -> Sample | None:
        """At once."""
        fibre = self._link if self._attack is None else attacked(self._link, self._attack)
        return partial(fibre.emulate, self._link.protocol.block_pulses)

    def tap(self, attack: Attack) -> None:
        """Any attack."""
        self._attack = attack


class PassLamp:
    """The light of passes. It takes the time that the pass takes, by the clock of its sky."""

    def __init__(self, sky: Sky, attack: Attack | None = None) -> None:
        self._sky, self._eve_fraction = sky, 0.0
        if attack is not None:
            self.tap(attack)

    async def block(self) -> Sample | None:
        """What is left of the pass, when the satellite has set. None between passes, and of passes without a key."""
        rest = await asyncio.to_thread(self._sky.lasting)
        if rest is None or rest.sifted_bits > MOST_CLICKS / 4:
            return None
        await self._sky.until(rest.flown.set_s)
        slots, link, fraction = rest.slots, self._sky.contacts.link, self._eve_fraction
        return lambda seed: emulate_pass(slots, link, seed, fraction)

    def tap(self, attack: Attack) -> None:
        """Intercept and resend."""
        if not isinstance(attack, InterceptResend):
            raise ParameterError("on the light of a pass Eve can only intercept and resend")
        self._eve_fraction = attack.fraction
