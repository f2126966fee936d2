"""Blocks made of light: one block of an emulated fibre, distilled with the site at its other end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from haris.keys.allotment import allot
from haris.node.spans.block_maker import BlockOrder, Figures, Made, NotBegun, Unmade
from haris.node.spans.light import Attached
from haris.node.spans.plan import LightPlan, SpanPlan
from haris.nouns.blocks import Aborted, Distilled
from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import FinalKey, Pedigree
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.transcript import Sender, Transcript
from haris.wire import distillation, light, span
from haris.wire.block_message import Message

LIGHT_S = 600.0
"""How long a block of light may take. Beginning is not authenticated, so the sites may wait for different blocks."""
IDLE_S = 0.1


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
        outcome = await self._distil(order, self._engine(order, half, transcript), transcript)
        if isinstance(outcome, Aborted):
            return Unmade(outcome, figures=self._figures(outcome.counts))
        link = self._fibre.link
        pedigree = Pedigree(
            epsilon=link.security.epsilon,
            origin=self._fibre.origin,
            proof=link.family.live_proof(link),
        )
        key = FinalKey(order.block, outcome.bits, pedigree)
        figures = self._figures(outcome.counts, outcome)
        return Made(key, outcome.allotment, transcript.octets, figures)

    async def ended(self, made: Made | Unmade) -> None:
        """Nothing is left of the light."""

    async def detach(self) -> None:
        """Let go of the fibre."""
        if self._attached is not None:
            await self._attached.close()
            self._attached = None

    async def _light(self, order: BlockOrder) -> light.Message:
        """This site's half of a block, which shines once both ask. NotBegun when the peer is gone, or never asks."""
        if self._attached is None:
            raise ParameterError("the light is attached before a block is made")
        asking = asyncio.create_task(self._attached.ask(light.WantBlock(order.block)))
        try:
            async with asyncio.timeout(LIGHT_S):
                while not asking.done():
                    await asyncio.wait([asking], timeout=IDLE_S)
                    order.channel.require_peer()
            return await asking
        except TimeoutError:
            raise NotBegun(f"the light of a block did not come within {LIGHT_S:g} s") from None
        except PeerError as error:
            raise NotBegun(str(error)) from None
        finally:
            asking.cancel()

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

    async def _distil(self, order: BlockOrder, engine: Engine, transcript: Transcript) -> Distilled | Aborted:
        """Drive one engine: Bob speaks first, then the two take turns. The transcript sees every message."""
        mine, theirs = (Sender.ALICE, Sender.BOB) if self._alice else (Sender.BOB, Sender.ALICE)
        said = await asyncio.to_thread(_advance, engine, None)
        while not isinstance(said, Distilled | Aborted):
            if said is not None:
                body = distillation.encode(said)
                transcript.append(mine, body, said)
                await order.channel.send(span.Distil(order.number, body))
            message = None
            if said is None or not said.ends_block:
                heard = await order.channel.receive_of(span.Distil, order.number)
                message = distillation.decode(heard.body)
                transcript.append(theirs, heard.body, message)
            said = await asyncio.to_thread(_advance, engine, message)
        return said

    def _figures(self, counts: object, distilled: Distilled | None = None) -> Figures:
        link = self._fibre.link
        qber = counts.qber if isinstance(counts, DecoyCounts) else None
        sifted = counts.clicks[KEY_BASIS].sum() if isinstance(counts, DecoyCounts) else 0
        return Figures(
            qber_key=float(qber[KEY_BASIS]) if distilled and qber is not None else None,
            qber_test=None if qber is None else float(qber[TEST_BASIS]),
            sifted_bits=distilled.n_reconciled if distilled else int(sifted),
            leaked_bits=distilled.leaked_bits if distilled else 0,
            light_s=link.protocol.block_pulses / link.source.clock_hz,
        )


def _advance(engine: Engine, message: Message | None) -> Message | Distilled | Aborted | None:
    """One turn of an engine, with the result as a value. What the peer's messages make impossible is the peer's."""
    try:
        return engine.send(message)
    except StopIteration as end:
        outcome: Distilled | Aborted = end.value
        return outcome
    except ParameterError as error:
        raise PeerError(f"the peer's messages lead nowhere: {error}") from None
