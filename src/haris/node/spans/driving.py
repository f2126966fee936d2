"""One block of light driven to key at one end of a span: its half asked for, the engine's messages carried."""

from __future__ import annotations

import asyncio

from haris.node.spans.block_maker import BlockOrder, Figures, NotBegun
from haris.node.spans.light import Attached
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


async def drive(order: BlockOrder, engine: Engine, transcript: Transcript, *, alice: bool) -> Distilled | Aborted:
    """Drive one engine: Bob speaks first, then the two take turns. The transcript sees every message."""
    mine, theirs = (Sender.ALICE, Sender.BOB) if alice else (Sender.BOB, Sender.ALICE)
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
