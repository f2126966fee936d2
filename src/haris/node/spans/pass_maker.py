"""Blocks made of passes: light while the satellite stands over the station, and one block of it a pass.

Between passes a span is idle: its session lives on, no block begins, no pad is burnt, and a dark lamp is no alarm. A
site or a line that fails in a pass costs the light of that part; what is left of the pass is a block of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from haris.keys.allotment import allot
from haris.node.spans.block_maker import BlockOrder, Made, NotBegun, Unmade
from haris.node.spans.driving import ask_light, drive, figures
from haris.node.spans.light import Attached
from haris.node.spans.plan import PassPlan, SpanPlan
from haris.node.spans.pointing import Pointing
from haris.node.spans.sky import Sky
from haris.nouns.blocks import Aborted, AbortReason
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import FinalKey, Pedigree
from haris.nouns.pulses import Pulses
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.transcript import Transcript
from haris.quantum.space.live import agreement, live_length, live_proof
from haris.wire import light

LIGHT_S = 600.0
"""How long a half may take to be sampled and sent, beside the pass itself."""


class PassMaker:
    """A BlockMaker at one end of a span through space. alarm: told when no light shines in a pass."""

    def __init__(
        self,
        plan: SpanPlan,
        passes: PassPlan,
        entropy: Callable[[int], bytes],
        alarm: Callable[[str], None],
        pointing: Pointing | None = None,
    ) -> None:
        self._plan, self._passes, self._entropy, self._alarm = plan, passes, entropy, alarm
        self._alice = plan.role == "alice"
        self._pointing = pointing or Pointing()
        self.sky = Sky(passes.contacts)
        self._attached: Attached | None = None
        self._told: str | None = None

    async def attach(self, session: bytes, require_peer: Callable[[], None]) -> None:
        """Nothing yet: the light is asked for in a pass."""

    async def ready(self, wanted_octets: int) -> bool:
        """While a pass lasts that is worth its light, and this site's telescope is free for it."""
        try:
            if await asyncio.to_thread(self.sky.lasting) is None:
                return False
        except ParameterError as error:  # elements that are too old, for one
            self._tell(f"no pass can be foreseen: {error}")
            return False
        if not self._pointing.is_free_for(self._plan.name, wanted_octets, time.monotonic()):
            return False
        try:
            await self._attach()
        except PeerError as error:
            self._tell(str(error))
            return False
        self._told = None
        return True

    async def make(self, order: BlockOrder) -> Made | Unmade:
        """One block of what is left of the pass, from light to key."""
        half = await self._light(order)
        if isinstance(half, light.NoLight):
            return Unmade(Aborted(order.block, AbortReason.TOO_FEW_CLICKS, "the pass is over"))
        read = light.read_half(half)
        if not isinstance(read, Pulses if self._alice else Detections):
            raise PeerError(f"the light handed {self._plan.role} a {type(half).__name__}")
        transcript, link = Transcript(order.block), self._passes.contacts.link
        outcome = await drive(order, self._engine(order, read, transcript), transcript, alice=self._alice)
        light_s = read.n_pulses / link.source.clock_hz
        if isinstance(outcome, Aborted):
            return Unmade(outcome, figures=figures(outcome.counts, light_s))
        pedigree = Pedigree(epsilon=link.security.epsilon, origin=self._passes.origin, proof=live_proof(link))
        key = FinalKey(order.block, outcome.bits, pedigree)
        return Made(key, outcome.allotment, transcript.octets, figures(outcome.counts, light_s, outcome))

    async def ended(self, made: Made | Unmade) -> None:
        """Nothing is left of the light."""

    async def detach(self) -> None:
        """Let go of the light."""
        if self._attached is not None:
            await self._attached.close()
            self._attached = None

    async def _attach(self) -> Attached:
        if self._attached is None or self._attached.is_over:
            await self.detach()
            self._attached = await Attached.attach(self._passes.socket, self._plan.role)
        return self._attached

    async def _light(self, order: BlockOrder) -> light.Message:
        """This site's half, at the end of the pass. NotBegun when the peer or the light is gone before."""
        async with self._pointing.held(self._plan.name):
            try:
                attached = await self._attach()
                lasting = await asyncio.to_thread(self.sky.lasting)
            except (PeerError, ParameterError) as error:
                raise NotBegun(str(error)) from None
            clock = self._passes.contacts.clock
            wait_s = 0.0 if lasting is None else lasting.flown.duration_s / clock.factor
            return await ask_light(attached, order, wait_s + LIGHT_S)

    def _engine(self, order: BlockOrder, half: Pulses | Detections, transcript: Transcript) -> Engine:
        link = self._passes.contacts.link
        agreed, length = agreement(link, half.n_pulses), partial(live_length, link)
        if isinstance(half, Detections):
            return bob(order.block, half, agreed, length, self._entropy, transcript)

        def share(length_bits: int) -> bytes:
            return allot(length_bits, order.levels(), self._plan.targets).encode()

        return alice(order.block, half, agreed, length, share, self._entropy, transcript)

    def _tell(self, text: str) -> None:
        """An alarm, once until all is well."""
        if self._told != text:
            self._told = text
            self._alarm(text)
