"""Blocks made of light: one block of an emulated fibre, distilled with the site at its other end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from haris.keys.allotment import allot
from haris.node.spans.block_maker import BlockOrder, Made, Unmade
from haris.node.spans.driving import IDLE_S, Run, ask_light, figures
from haris.node.spans.light import Attached
from haris.node.spans.plan import LightPlan, SpanPlan
from haris.nouns.blocks import Aborted
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import FinalKey, Pedigree
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.transcript import Transcript
from haris.wire import light

LIGHT_S = 600.0
"""How long a block of light may take. Beginning is not authenticated, so the sites may wait for different blocks."""


class LightMaker:
    """A BlockMaker at one end of a fibre. alarm: told when the fibre is dark."""

    def __init__(
        self, plan: SpanPlan, fibre: LightPlan, entropy: Callable[[int], bytes], alarm: Callable[[str], None]
    ) -> None:
        self._plan, self._fibre, self._entropy, self._alarm = plan, fibre, entropy, alarm
        self._alice = plan.role == "alice"
        self._attached: Attached | None = None

    async def attach(self, session: bytes, require_peer: Callable[[], None]) -> None:
        """This site's end of the fibre. While the fibre is dark the session lives on: each new meeting burns pad."""
        alarmed = False
        while True:
            try:
                self._attached = await Attached.attach(self._fibre.socket, self._plan.role)
                return
            except PeerError as error:
                if not alarmed:
                    self._alarm(str(error))
                alarmed = True
            require_peer()
            await asyncio.sleep(IDLE_S)

    async def ready(self, wanted_octets: int) -> bool:
        """Always: light is there when both ask."""
        return True

    async def make(self, order: BlockOrder) -> Made | Unmade:
        """One block from light to key."""
        half = await self._light(order)
        transcript = Transcript(order.block)
        outcome = await Run(self._engine(order, half, transcript), transcript, alice=self._alice).drive(order)
        link = self._fibre.link
        light_s = link.protocol.block_pulses / link.source.clock_hz
        if isinstance(outcome, Aborted):
            return Unmade(outcome, figures=figures(outcome.counts, light_s))
        pedigree = Pedigree(
            epsilon=link.security.epsilon,
            origin=self._fibre.origin,
            proof=link.family.live_proof(link),
        )
        key = FinalKey(order.block, outcome.bits, pedigree)
        return Made(key, outcome.allotment, transcript.octets, figures(outcome.counts, light_s, outcome))

    async def ended(self, made: Made | Unmade) -> None:
        """Nothing is left of the light."""

    async def detach(self) -> None:
        """Let go of the fibre."""
        if self._attached is not None:
            await self._attached.close()
            self._attached = None

    async def _light(self, order: BlockOrder) -> light.Message:
        if self._attached is None:
            raise ParameterError("the light is attached before a block is made")
        return await ask_light(self._attached, order, LIGHT_S)

    def _engine(self, order: BlockOrder, message: light.Message, transcript: Transcript) -> Engine:
        link, block = self._fibre.link, order.block
        live, agreement, length = link.family.require_live(link), link.agreement(), link.block_length
        half = light.read_half(message)
        if not isinstance(half, live.halves[0 if self._alice else 1]):
            raise PeerError(f"the light handed {self._plan.role} a {type(message).__name__}")
        if not self._alice:
            return live.bob(block, half, agreement, length, self._entropy, transcript)

        def share(length_bits: int) -> bytes:
            return allot(length_bits, order.levels(), self._plan.targets).encode()

        return live.alice(block, half, agreement, length, share, self._entropy, transcript)
