"""The emulated fibre hands out two halves of one block, and nobody waits for ever for the other half."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from haris.keys.allotment import Targets
from haris.node.spans import light_maker
from haris.node.spans.lamps import FibreLamp, Sample
from haris.node.spans.light import Attached, Light, run_light
from haris.node.spans.light_maker import LightMaker
from haris.node.spans.plan import LightPlan, SpanPlan
from haris.node.spans.session import SpanSession
from haris.node.store.store import open_store
from haris.node.system.streams import close_stream, send_frame
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.security.key_length import Security
from haris.wire import light as wire
from haris.wire import span

LINK = Link(
    Source(clock_hz=1e9, intensities=(0.5, 0.15), p_intensities=(0.7, 0.3)),
    Fibre(length_m=10e3, loss_db_per_km=0.2, misalignment=0.005),
    Detector(efficiency=0.6, p_dark=1e-7),
    DecoyBB84(p_key_basis=0.8, block_pulses=10_000),
    Security(),
)


async def test_a_role_that_attaches_anew_while_its_block_shines_ends_the_old_wait_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    light, shining, go_on = Light(FibreLamp(LINK), b"L" * 32), threading.Event(), threading.Event()
    shine = light._shine

    def slowly(block: bytes, role: str, seed: bytes, sample: Sample) -> tuple[wire.Message, wire.Message]:
        shining.set()
        assert go_on.wait(10)
        return shine(block, role, seed, sample)

    monkeypatch.setattr(light, "_shine", slowly)
    bob = asyncio.create_task(light.want("bob", wire.WantBlock(b"one")))
    await asyncio.sleep(0)
    alice = asyncio.create_task(light.want("alice", wire.WantBlock(b"one")))
    assert await asyncio.to_thread(shining.wait, 10)
    light.release("alice")
    go_on.set()
    assert isinstance(await bob, wire.Detected)
    with pytest.raises(PeerError, match="attached anew"):
        await alice


@asynccontextmanager
async def bobs_session(directory: Path) -> AsyncIterator[tuple[SpanSession, asyncio.StreamWriter]]:
    """Bob's end of a span that has been settled, and what a peer writes to, that may say what it likes."""
    plan = SpanPlan("ab", "b", "a", "bob", Targets(8192, 1024, 40), fibre := LightPlan(LINK, directory / "light"))
    ours, theirs = socket.socketpair()
    streams = await asyncio.open_connection(sock=ours)
    _, writer = await asyncio.open_connection(sock=theirs)
    with closing(open_store(directory / "b.db", b"b" * 32, os.urandom)) as store:
        try:
            maker = LightMaker(plan, fibre, os.urandom, lambda text: None)
            yield SpanSession(plan, store, os.urandom, streams, maker, lambda event: None, lambda text: None), writer
        finally:
            await close_stream(writer)
            await close_stream(streams[1])


async def test_light_that_cannot_be_sampled_ends_both_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    light = Light(FibreLamp(LINK), b"L" * 32)

    def impossible(block: bytes, role: str, seed: bytes, sample: Sample) -> tuple[wire.Message, wire.Message]:
        raise ParameterError("no such light")

    monkeypatch.setattr(light, "_shine", impossible)
    waits = (light.want(role, wire.WantBlock(b"one")) for role in ("alice", "bob"))
    async with asyncio.timeout(5):
        ends = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(end) for end in ends] == [ParameterError, ParameterError]
    assert not light._waiting


@pytest.mark.parametrize("alice_wants_another_block", [False, True])
async def test_a_site_does_not_wait_for_ever_for_light(
    alice_wants_another_block: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(light_maker, "LIGHT_S", 0.3)
    shining = asyncio.create_task(run_light(FibreLamp(LINK), tmp_path / "light", seed=b"L" * 32))
    async with asyncio.timeout(10):
        while not (tmp_path / "light").exists():
            await asyncio.sleep(0.02)
        alice = await Attached.attach(tmp_path / "light", "alice")
        async with bobs_session(tmp_path) as (session, writer):
            await send_frame(writer, span.encode(span.Begin(7)))
            if alice_wants_another_block:  # as when somebody changed the number of Begin on its way
                await send_frame(alice._writer, wire.encode(wire.WantBlock(b"another")))
            else:
                writer.close()  # the peer died before it asked for its half
            with pytest.raises(PeerError, match="did not come" if alice_wants_another_block else "connection ended"):
                await session.make_blocks()
        await alice.close()
    shining.cancel()
    await asyncio.gather(shining, return_exceptions=True)
