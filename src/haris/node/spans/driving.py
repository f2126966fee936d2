"""One block of light driven to key at one end of a span: its half asked for, the engine's messages carried."""

from __future__ import annotations

import asyncio

from haris.node.spans.block_maker import BlockOrder, Figures, NotBegun
from haris.node.spans.light import Attached
from haris.node.system.threads import finish_in_thread
from haris.nouns.blocks import Aborted, Distilled
from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.transcript import Sender, Transcript
from haris.wire import distillation, light, span
from haris.wire.block_message import Message

IDLE_S = 0.1


async def ask_light(attached: Attached, order: BlockOrder, within_s: float) -> light.Message:
    """This site's half of a block, which shines once both ask. NotBegun when the peer is gone, or never asks."""
    asking = asyncio.create_task(attached.ask(light.WantBlock(order.block)))
    try:
        async with asyncio.timeout(within_s):
            while not asking.done():
                await asyncio.wait([asking], timeout=IDLE_S)
                order.channel.require_peer()
        return await asking
    except TimeoutError:
        raise NotBegun(f"the light of a block did not come within {within_s:g} s") from None
    except PeerError as error:
        raise NotBegun(str(error)) from None
    finally:
        asking.cancel()


class Run:
    """One engine on its way from block to key. The line may break at any moment, and another one carry the rest.

    transcript: sees every message once. n_heard: messages of the peer that the engine took. is_broken: whether it can
    never go on, for the peer broke the protocol.
    """

    def __init__(self, engine: Engine, transcript: Transcript, *, alice: bool) -> None:
        self.transcript, self.n_heard, self.is_broken = transcript, 0, False
        self._engine, self._begun = engine, False
        self._mine, self._theirs = (Sender.ALICE, Sender.BOB) if alice else (Sender.BOB, Sender.ALICE)
        self._said: bytes | None = None
        self._n_said = 0
        self._outcome: Distilled | Aborted | None = None

    async def drive(self, order: BlockOrder, peer_heard: int = 0) -> Distilled | Aborted:
        """Go on over this line: Bob speaks first, then the two take turns.

        peer_heard: messages of this end that the peer's engine took. Raises PeerError when the line or the peer fails.
        """
        if not self._begun:
            self._begun = True
            await finish_in_thread(self._step, None)
        if not self._n_said - 1 <= peer_heard <= self._n_said:
            self.is_broken = True
            raise PeerError(f"the peer has heard {peer_heard} of {self._n_said} messages")
        while True:
            if self._said is not None and peer_heard < self._n_said:
                await order.channel.send(span.Distil(order.number, self._said))
            if self._outcome is not None:
                return self._outcome
            heard = await order.channel.receive_of(span.Distil, order.number)
            message = distillation.decode(heard.body)
            self.transcript.append(self._theirs, heard.body, message)
            peer_heard = self._n_said
            await finish_in_thread(self._step, message)

    def _step(self, message: Message | None) -> None:
        """One turn of the engine; what comes of it is kept here, whatever becomes of the line meanwhile."""
        self.n_heard += message is not None
        try:
            said = _advance(self._engine, message)
            if isinstance(said, Distilled | Aborted):
                self._said, self._outcome = None, said
            elif said is not None:
                self._said = distillation.encode(said)
                self._n_said += 1
                self.transcript.append(self._mine, self._said, said)
                if said.ends_block:
                    ended = _advance(self._engine, None)
                    assert isinstance(ended, Distilled | Aborted)
                    self._outcome = ended
        except BaseException:
            self.is_broken = True
            raise


def figures(counts: object, light_s: float, distilled: Distilled | None = None) -> Figures:
    """What a block of light_s seconds tells of its making."""
    qber = counts.qber if isinstance(counts, DecoyCounts) else None
    sifted = counts.clicks[KEY_BASIS].sum() if isinstance(counts, DecoyCounts) else 0
    return Figures(
        qber_key=float(qber[KEY_BASIS]) if distilled and qber is not None else None,
        qber_test=None if qber is None else float(qber[TEST_BASIS]),
        sifted_bits=distilled.n_reconciled if distilled else int(sifted),
        leaked_bits=distilled.leaked_bits if distilled else 0,
        light_s=light_s,
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
