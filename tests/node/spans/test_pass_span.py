"""A span whose keys come in passes: idle between them, a block of what is left of one, quick motion of its sky."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_span import TARGETS, Rig

from haris.crypto.ledger import span_ledgers
from haris.keys.allotment import Levels
from haris.node.events import AlarmEvent, SiteEvent
from haris.node.spans.block_maker import BlockOrder, Made, NotBegun, Unmade
from haris.node.spans.lamps import PassLamp
from haris.node.spans.light import run_light
from haris.node.spans.pass_maker import PassMaker
from haris.node.spans.plan import PassPlan, SpanPlan
from haris.node.spans.pointing import Pointing
from haris.node.spans.reach import Reach
from haris.node.spans.session import SpanSession
from haris.node.spans.sky import Sky
from haris.node.spans.span import Span
from haris.node.system.streams import close_stream
from haris.nouns.blocks import AbortReason
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.attacks.laser_seeding import LaserSeeding
from haris.quantum.space.classical import ClassicalLink
from haris.quantum.space.contacts import Contacts, contacts_of
from haris.quantum.space.motion import SkyClock
from haris.quantum.space.scenario import Scenario
from haris.wire import distillation, span
from haris.wire.light import WantStretch
from haris.wire.stretches import Close, Noted, Shine

EXAMPLE = Path(__file__).parents[3] / "examples" / "space" / "micius_xinglong_2016.toml"
RISE_S, SET_S = 1482166197.4, 1482166468.4
CONTACTS = contacts_of(Scenario.read(EXAMPLE))
SLOW = replace(
    CONTACTS,
    link=replace(CONTACTS.link, source=replace(CONTACTS.link.source, clock_hz=5e7)),
    classical=ClassicalLink(live=False),
)
"""Half of the clock, so half of the clicks to sample; a block takes all its light."""


def at(sky_s: float, contacts: Contacts = SLOW, factor: float = 1.0) -> Contacts:
    """With a sky that stands at a time now, in quick motion."""
    return replace(contacts, clock=SkyClock(sky_s, time.time(), factor))


class PassRig(Rig):
    contacts = SLOW

    def span(self, site: str, witnesses: object = None) -> Span:
        return Span(self.plan(site), self.stores[site], os.urandom, self.events.append)

    def plan(self, site: str) -> SpanPlan:
        peer, role = ("b", "alice") if site == "a" else ("a", "bob")
        return SpanPlan("ab", site, peer, role, TARGETS, PassPlan(self.contacts, self.directory / "light"))

    def heads(self) -> list[int]:
        return [self.stores["a"].ledger_bounds(name)[0] for name in span_ledgers("ab")]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PassRig]:
    rig = PassRig(tmp_path)
    yield rig
    for store in rig.stores.values():
        store.close()


@asynccontextmanager
async def shining(rig: PassRig) -> AsyncIterator[None]:
    light = asyncio.create_task(run_light(PassLamp(Sky(rig.contacts)), rig.directory / "light", seed=b"L" * 32))
    try:
        yield
    finally:
        light.cancel()
        await asyncio.gather(light, return_exceptions=True)


def what(event: object) -> str:
    return event.what if isinstance(event, SiteEvent) else ""


class Held:
    """A sky whose time the test sets, and how many stretches of its light have begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, sky_s: float) -> None:
        self.sky_s, self.n_begun = sky_s, 0
        monkeypatch.setattr(Sky, "now_s", lambda sky: self.sky_s)
        monkeypatch.setattr(Sky, "until", self._until)

    async def _until(self, sky_s: float) -> None:
        self.n_begun += 1
        while self.sky_s < sky_s:
            await asyncio.sleep(0.01)


async def test_a_pass_fills_pools_alike_though_its_first_part_was_lost(
    rig: PassRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch, RISE_S - 40.0)
    a, b = rig.stores["a"], rig.stores["b"]
    server = await rig.span("b").listen(("127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    async with shining(rig):
        dying = rig.span("a")
        caller = asyncio.create_task(dying.connect(("127.0.0.1", port)))
        await rig.until(lambda: any(isinstance(e, SiteEvent) and e.what == "span connected" for e in rig.events))
        met = rig.heads()
        await asyncio.sleep(0.3)
        assert rig.heads() == met  # idle: no block before there is a pass, and no tag
        held.sky_s = RISE_S + 1.0
        await rig.until(lambda: held.n_begun == 1)
        held.sky_s = RISE_S + 50.0
        await rig.until(lambda: held.n_begun > 1)
        caller.cancel()  # a site that dies in a pass
        await asyncio.gather(caller, return_exceptions=True)
        await dying._maker._forget()  # type: ignore[attr-defined]
        n_begun = held.n_begun
        caller = asyncio.create_task(rig.span("a").connect(("127.0.0.1", port)))
        await rig.until(lambda: held.n_begun > n_begun)
        held.sky_s = SET_S + 1.0
        await rig.until(lambda: bool(rig.blocks("a") and rig.blocks("b")))
        spent = rig.heads()
        await asyncio.sleep(0.3)
        assert rig.heads() == spent  # idle until the next pass
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        server.close()
    (block,), (same,) = rig.blocks("a"), rig.blocks("b")
    assert block.aborted is None
    assert block.secret_bits == same.secret_bits > 8 * 32 * TARGETS.n_keys
    assert block.light_s == pytest.approx(SET_S - RISE_S - 50.0, abs=1.5)
    ours, theirs = a.reserve("b", "a", 40, "test"), b.reserve("a", "a", 40, "test")
    assert [key.secret for key in ours] == [key.secret for key in theirs]
    assert not any(isinstance(event, AlarmEvent) for event in rig.events)


class Line:
    """A channel in memory; it breaks when it has carried so many messages, and keeps what it carried."""

    def __init__(self, carries: float = float("inf")) -> None:
        self.queues = {"alice": asyncio.Queue[span.Distil](), "bob": asyncio.Queue[span.Distil]()}
        self.carries, self.heard = carries, list[object]()
        self.broken = asyncio.Event()

    def order(self, number: int) -> dict[str, BlockOrder]:
        levels = Levels(8192, 8192, 1024, 0, 40)
        block = number.to_bytes(16, "big")
        return {
            role: BlockOrder(number, block, LineEnd(self, role), lambda: levels)  # type: ignore[arg-type]
            for role in self.queues
        }


class LineEnd:
    def __init__(self, line: Line, role: str) -> None:
        self.line, self.role = line, role

    async def send(self, message: span.Distil) -> None:
        self.line.heard.append(distillation.decode(message.body))
        if len(self.line.heard) > self.line.carries:
            self.line.broken.set()
        self.require_peer()
        await self.line.queues["bob" if self.role == "alice" else "alice"].put(message)

    async def receive_of(self, kind: object, number: int) -> span.Distil:
        coming, broken = (
            asyncio.create_task(what) for what in (self.line.queues[self.role].get(), self.line.broken.wait())
        )
        await asyncio.wait([coming, broken], return_when=asyncio.FIRST_COMPLETED)
        if not coming.done():
            coming.cancel()
            self.require_peer()
        broken.cancel()
        return await coming

    def require_peer(self) -> None:
        if self.line.broken.is_set():
            raise PeerError("the line is broken")


async def made(makers: dict[str, PassMaker], line: Line, number: int) -> list[object]:
    """What both ends make of one block."""
    work = (maker.make(line.order(number)[role]) for role, maker in makers.items())
    return await asyncio.gather(*work, return_exceptions=True)


@pytest.fixture
async def makers(rig: PassRig, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Held, dict[str, PassMaker]]]:
    """Both ends of a span, when half of the pass is left."""
    held = Held(monkeypatch, SET_S - 150.0)
    async with shining(rig):
        await rig.until(lambda: (rig.directory / "light").exists())
        plans = {plan.role: plan for plan in (rig.plan("a"), rig.plan("b"))}
        makers = {role: PassMaker(plan, plan.making, os.urandom, print) for role, plan in plans.items()}  # type: ignore[arg-type]
        yield held, makers
        for maker in makers.values():
            await maker._forget()
            await maker.detach()


def same_key(made: list[object]) -> Made:
    alice, bob = made
    assert isinstance(alice, Made)
    assert isinstance(bob, Made)
    assert np.array_equal(alice.key.bits, bob.key.bits)
    assert alice.covered == bob.covered
    return alice


async def test_a_line_that_breaks_while_light_comes_costs_nothing(
    rig: PassRig, makers: tuple[Held, dict[str, PassMaker]]
) -> None:
    held, ends = makers
    assert await ends["alice"].ready(1)
    line = Line(carries=4)  # Shine, the first stretch with its answer, and the second without
    making = asyncio.create_task(made(ends, line, 0))
    await rig.until(lambda: held.n_begun == 1)
    held.sky_s = SET_S - 140.0
    assert [type(each) for each in await making] == [NotBegun, NotBegun]
    held.sky_s = SET_S + 300.0  # a later contact
    assert await ends["alice"].ready(1)
    again = Line()
    whole = same_key(await made(ends, again, 5))
    assert whole.figures.light_s == pytest.approx(150.0, abs=1.0)
    assert again.heard[0] == Shine(light=bytes(16), noted=2, heard=0)
    assert not await ends["alice"].ready(1)  # nothing is left of that light


async def test_a_line_that_breaks_while_the_block_is_made_delays_it(
    rig: PassRig, makers: tuple[Held, dict[str, PassMaker]]
) -> None:
    held, ends = makers
    line = Line()
    making = asyncio.create_task(made(ends, line, 0))
    await rig.until(lambda: held.n_begun == 1)
    held.sky_s = SET_S + 1.0
    await rig.until(lambda: any(isinstance(said, Close) for said in line.heard))
    line.carries = 4 + next(n for n, said in enumerate(line.heard, 1) if isinstance(said, Close))
    assert {type(each) for each in await making} == {NotBegun}
    again = Line()
    alice = same_key(await made(ends, again, 1))
    both = [each for each in (*line.heard, *again.heard) if not isinstance(each, Shine | Close)]
    once = {distillation.encode(each): each for each in both}.values()  # what was sent twice, too
    assert alice.figures.leaked_bits == sum(each.disclosed_bits for each in once)


async def test_a_light_that_the_other_end_lost_is_no_key(
    rig: PassRig, makers: tuple[Held, dict[str, PassMaker]]
) -> None:
    held, ends = makers
    making = asyncio.create_task(made(ends, Line(carries=4), 0))
    await rig.until(lambda: held.n_begun == 1)
    held.sky_s = SET_S - 140.0
    await making
    await ends["bob"]._forget()  # as one who was killed
    for each in await made(ends, Line(), 1):
        assert isinstance(each, Unmade)
        assert each.aborted.reason is AbortReason.SOURCE
    n_begun = held.n_begun
    making = asyncio.create_task(made(ends, Line(), 2))  # what is left of the pass
    await rig.until(lambda: held.n_begun > n_begun)
    held.sky_s = SET_S + 1.0
    assert same_key(await making).figures.light_s == pytest.approx(140.0, abs=1.0)


async def test_a_live_block_closes_before_the_satellite_sets(
    rig: PassRig, makers: tuple[Held, dict[str, PassMaker]], monkeypatch: pytest.MonkeyPatch
) -> None:
    held, ends = makers
    contacts = replace(SLOW, classical=ClassicalLink(up_bps=100e3))
    monkeypatch.setattr(ends["bob"], "_passes", replace(ends["bob"]._passes, contacts=contacts))
    line = Line()
    making = asyncio.create_task(made(ends, line, 0))
    told = lambda: sum(isinstance(said, Noted) for said in line.heard)  # noqa: E731
    closed = lambda: any(isinstance(said, Close) for said in line.heard)  # noqa: E731
    await rig.until(lambda: held.n_begun == 1)
    while not closed():
        held.sky_s += 5.0
        n_told = told()
        await rig.until(lambda n=n_told: told() > n or closed())  # type: ignore[misc]
    assert SET_S - 40.0 < held.sky_s < SET_S - 5.0
    alice = same_key(await making)
    assert 110.0 < alice.figures.light_s < 145.0


async def test_sites_meet_in_contacts_only_and_part_without_an_alarm(rig: PassRig) -> None:
    """The span of a satellite whose radio is above the horizon for a while: not tried before, cut at its end."""
    now_s = [RISE_S - 600.0]
    entry: Any = SimpleNamespace(
        peer="b", in_contacts=True, passes=EXAMPLE, station=None, radio_elevation_deg=5.0, name="ab"
    )
    reach = Reach([entry], lambda: now_s[0])
    tried: list[float] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(now_s[0])
        await serve(reader, writer)

    far = rig.span("b")
    serve = far._accept
    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    span = Span(rig.plan("a"), rig.stores["a"], os.urandom, rig.events.append, reach=reach)
    caller = asyncio.create_task(span.connect(server.sockets[0].getsockname()[:2]))
    await asyncio.sleep(0.2)
    assert not tried
    contact_s = reach.left_s("b")
    assert contact_s is not None
    now_s[0] += contact_s - 0.4  # the end of the contact is near
    await rig.until(lambda: any(what(event) == "span connected" for event in rig.events))
    await rig.until(lambda: any(what(event) == "span out of contact" for event in rig.events))
    now_s[0] += 1.0
    n_tried = len(tried)
    await asyncio.sleep(0.2)
    assert len(tried) == n_tried
    assert not any(what(event) == "span lost" and event.site == "a" for event in rig.events)  # type: ignore[union-attr]
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    server.close()


async def test_a_site_out_of_contact_answers_nobody(rig: PassRig) -> None:
    entry: Any = SimpleNamespace(peer="a", in_contacts=True, passes=EXAMPLE, station=None, radio_elevation_deg=5.0)
    reach = Reach([entry], lambda: RISE_S - 600.0)
    span = Span(rig.plan("b"), rig.stores["b"], os.urandom, rig.events.append, reach=reach)
    server = await span.listen(("127.0.0.1", 0))
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    assert await reader.read() == b""
    await close_stream(writer)
    server.close()
    assert not rig.events


async def test_a_pass_is_not_flown_for_pools_that_are_full(rig: PassRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound of a satellite's store: its [pools]."""
    rig.contacts = at(RISE_S + 1.0)
    plan = rig.plan("a")
    assert isinstance(plan.making, PassPlan)
    maker = PassMaker(plan, plan.making, os.urandom, print)
    streams: Any = (asyncio.StreamReader(), None)
    session = SpanSession(plan, rig.stores["a"], os.urandom, streams, maker, lambda event: None, print)
    async with shining(rig):
        await rig.until(lambda: (rig.directory / "light").exists())
        for relay_octets, begins in ((512, 0), (544, None)):  # half of what it wants to hold, and more
            levels = Levels(8192, 8192, 1024, relay_octets, 40)
            monkeypatch.setattr(session, "_levels", lambda number, levels=levels, **more: levels)
            assert await session._begin() == begins
        await maker.detach()


async def test_a_dark_lamp_is_an_alarm_in_a_pass_and_none_between_passes(tmp_path: Path) -> None:
    for sky_s, said in ((RISE_S - 5000.0, []), (RISE_S + 1.0, ["no light at"])):
        told: list[str] = []
        passes = PassPlan(at(sky_s), tmp_path / "light")
        plan = SpanPlan("ab", "a", "b", "alice", TARGETS, passes)
        maker = PassMaker(plan, passes, os.urandom, told.append)
        assert [await maker.ready(1), await maker.ready(1)] == [False, False]
        assert [text[:11] for text in told] == said


async def test_elements_that_are_too_old_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    passes = PassPlan(at(RISE_S + 30 * 86400.0), tmp_path / "light")
    maker = PassMaker(SpanPlan("ab", "a", "b", "alice", TARGETS, passes), passes, os.urandom, told.append)
    assert not await maker.ready(1)
    assert "no pass can be foreseen" in told[0]


async def test_no_light_shines_between_passes_nor_for_an_attack_that_passes_have_not() -> None:
    assert await PassLamp(Sky(at(RISE_S - 5000.0))).shine(WantStretch(bytes(16), 0)) is None
    with pytest.raises(ParameterError, match="only intercept and resend"):
        PassLamp(Sky(CONTACTS), LaserSeeding())


def test_both_ends_of_a_span_agree_on_its_passes_and_not_on_elements(tmp_path: Path) -> None:
    def digest(contacts: Contacts) -> bytes:
        return SpanPlan("ab", "a", "b", "alice", TARGETS, PassPlan(contacts, tmp_path)).agreed_digest()

    newer = replace(CONTACTS, satellite=replace(CONTACTS.satellite, mean_anomaly_deg=246.1))
    assert digest(newer) == digest(CONTACTS)
    for other in (SLOW, replace(CONTACTS, least_elevation_deg=25.0), replace(CONTACTS, clock=SkyClock(1.0, 2.0, 3.0))):
        assert digest(other) != digest(CONTACTS)


async def test_a_telescope_points_to_the_station_that_lacks_most() -> None:
    pointing = Pointing()
    assert pointing.is_free_for("a", 10, now_s=0.0)
    assert pointing.is_free_for("b", 30, now_s=0.1)
    assert not pointing.is_free_for("a", 10, now_s=0.2)
    assert pointing.is_free_for("a", 10, now_s=2.0)  # b wants it no more
    async with pointing.held("b", within_s=1.0):
        assert not pointing.is_free_for("a", 99, now_s=3.0)
        with pytest.raises(TimeoutError):
            async with pointing.held("a", within_s=0.01):
                pass
    assert pointing.is_free_for("a", 10, now_s=4.0)
    assert [pointing.is_free_for(span, 10, now_s=5.0) for span in ("a", "b", "a", "b")] == [True, True, False, True]
