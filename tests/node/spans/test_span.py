"""Two sites, one emulated fibre, real distillation: what one block leaves behind at both ends."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from haris.crypto.ledger import span_ledgers
from haris.crypto.wegman_carter import verify
from haris.keys.allotment import RESERVE_OCTETS, Targets
from haris.node.events import AlarmEvent, BlockEvent, Event
from haris.node.life.witnessing import Unwitnessed
from haris.node.spans import span as span_module
from haris.node.spans.commissioning import SECRET_OCTETS, commission
from haris.node.spans.lamps import FibreLamp
from haris.node.spans.light import run_light, tap
from haris.node.spans.meeting import GREETING_OCTETS
from haris.node.spans.plan import LightPlan, SpanPlan
from haris.node.spans.span import Span
from haris.node.store.store import Store, open_store
from haris.node.system.streams import close_stream, receive_frame, send_frame
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.security.key_length import Security

LINK = Link(
    Source(clock_hz=1e9, intensities=(0.5, 0.15), p_intensities=(0.7, 0.3)),
    Fibre(length_m=10e3, loss_db_per_km=0.2, misalignment=0.005),
    Detector(efficiency=0.6, p_dark=1e-7),
    DecoyBB84(p_key_basis=0.8, block_pulses=3_000_000),
    Security(epsilon_secrecy=1e-6),
)
TARGETS = Targets(auth_octets=8192, relay_octets=1024, n_keys=40)


class Rig:
    """Two sites in one process that share nothing but a socket and a fibre."""

    def __init__(self, directory: Path, link: Link = LINK) -> None:
        self.directory, self.link = directory, link
        self.events: list[Event] = []
        self.stores: dict[str, Store] = {}
        octets = os.urandom(SECRET_OCTETS)
        for site in ("a", "b"):
            secret = directory / f"{site}.secret"
            secret.touch(mode=0o600)
            secret.write_bytes(octets)
            self.open(site)
            assert commission(self.stores[site], "ab", secret)
            assert not secret.exists()  # burnt: it must not serve a second store
            assert not commission(self.stores[site], "ab", secret)

    def open(self, site: str) -> None:
        self.stores[site] = open_store(self.directory / f"{site}.db", site.encode() * 32, os.urandom)

    def span(self, site: str, witnesses: Unwitnessed | None = None) -> Span:
        plan = SpanPlan(
            name="ab",
            site=site,
            peer="b" if site == "a" else "a",
            role="alice" if site == "a" else "bob",
            targets=TARGETS,
            making=LightPlan(self.link, self.directory / "light"),
        )
        return Span(plan, self.stores[site], os.urandom, self.events.append, witnesses=witnesses)

    def blocks(self, site: str = "a") -> list[BlockEvent]:
        return [event for event in self.events if isinstance(event, BlockEvent) and event.site == site]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.02)


@asynccontextmanager
async def shining(rig: Rig) -> AsyncIterator[None]:
    light = asyncio.create_task(run_light(FibreLamp(rig.link), rig.directory / "light", seed=b"L" * 32))
    await rig.until(lambda: (rig.directory / "light").exists())
    try:
        yield
    finally:
        light.cancel()
        await asyncio.gather(light, return_exceptions=True)


@asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[asyncio.Server]:
    async with shining(rig), connected(rig) as server:
        yield server


@asynccontextmanager
async def connected(rig: Rig) -> AsyncIterator[asyncio.Server]:
    server = await rig.span("b").listen(("127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    caller = asyncio.create_task(rig.span("a").connect(("127.0.0.1", port)))
    try:
        yield server
    finally:
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        server.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    for store in rig.stores.values():
        store.close()


async def test_a_block_fills_pools_and_ledgers_alike_at_both_ends(rig: Rig) -> None:
    a, b = rig.stores["a"], rig.stores["b"]
    async with running(rig):
        await rig.until(lambda: all(a.count_ready("b", owner) == TARGETS.n_keys for owner in "ab"))
        await rig.until(lambda: len(rig.blocks("a")) == len(rig.blocks("b")))
    assert all(event.aborted is None for event in rig.blocks())
    assert [e.secret_bits for e in rig.blocks("a")] == [e.secret_bits for e in rig.blocks("b")]
    for owner in ("a", "b"):  # even blocks belong to Alice's site, odd ones to Bob's
        assert a.count_ready("b", owner) == b.count_ready("a", owner) == TARGETS.n_keys
        ours, theirs = a.reserve("b", owner, 40, "test"), b.reserve("a", owner, 40, "test")
        assert [(k.key_id, k.secret) for k in ours] == [(k.key_id, k.secret) for k in theirs]
        assert all(k.pedigree.origin == "emulated" and k.pedigree.epsilon is not None for k in ours)
    for ledger in span_ledgers("ab"):
        head = max(a.ledger_bounds(ledger)[0], b.ledger_bounds(ledger)[0])
        assert a.ledger_bounds(ledger)[1] == b.ledger_bounds(ledger)[1]
        assert a.ledger_take_at(ledger, head, 64).octets == b.ledger_take_at(ledger, head, 64).octets


async def test_eve_makes_blocks_abort_and_says_why_without_spending_pad(rig: Rig) -> None:
    async with running(rig):
        await rig.until(lambda: len(rig.blocks("b")) >= 2)
        await tap(rig.directory / "light", 1.0)
        a = rig.stores["a"]
        a.reserve("b", "a", 30, "test")  # something is wanted again
        await rig.until(lambda: any(event.aborted for event in rig.blocks()))
        heads = [a.ledger_bounds(name)[0] for name in span_ledgers("ab")]
        aborted = len(rig.blocks())
        await rig.until(lambda: len(rig.blocks()) >= aborted + 3)
        assert heads == [a.ledger_bounds(name)[0] for name in span_ledgers("ab")]
    assert {event.aborted for event in rig.blocks()[aborted:]} == {"qber"}
    assert any(isinstance(event, AlarmEvent) and "measures the light" in event.text for event in rig.events)


async def test_a_stranger_gets_no_answer_and_costs_no_pad(rig: Rig) -> None:
    async with running(rig) as server:
        await rig.until(lambda: len(rig.blocks("b")) >= 2)
        heads = [rig.stores["b"].ledger_bounds(name)[0] for name in span_ledgers("ab")]
        for nonsense in (b"", b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n", bytes(GREETING_OCTETS + 1)):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            await send_frame(writer, nonsense)
            with pytest.raises(Exception, match="connection ended"):
                await receive_frame(reader)
            writer.close()
        assert heads == [rig.stores["b"].ledger_bounds(name)[0] for name in span_ledgers("ab")]


async def test_no_block_is_begun_that_could_not_be_settled(rig: Rig) -> None:
    meeting = 2 * 32  # each end greets and settles with one tag each
    for store in rig.stores.values():
        store.ledger_burn_to("ab/auth/ba", store.ledger_bounds("ab/auth/ba")[1] - RESERVE_OCTETS - meeting + 32)
    async with running(rig):
        await rig.until(lambda: any(isinstance(event, AlarmEvent) for event in rig.events))
        head, end = rig.stores["b"].ledger_bounds("ab/auth/ba")
        assert end - head == RESERVE_OCTETS - 32
        await asyncio.sleep(0.3)
        assert rig.stores["b"].ledger_bounds("ab/auth/ba") == (head, end)  # the session lives, and burns nothing
    assert rig.blocks("a") == rig.blocks("b") == []
    alarms = [event.text for event in rig.events if isinstance(event, AlarmEvent)]
    assert len(alarms) == 1
    assert "too little authentication pad" in alarms[0]


async def test_the_last_block_above_the_reserve_refreshes_the_pad(rig: Rig) -> None:
    for store in rig.stores.values():
        store.ledger_burn_to("ab/auth/ba", store.ledger_bounds("ab/auth/ba")[1] - RESERVE_OCTETS - 2 * 32)
    async with running(rig):
        await rig.until(lambda: len(rig.blocks("a")) > 0)
        head, end = rig.stores["a"].ledger_bounds("ab/auth/ba")
        assert end - head > RESERVE_OCTETS
    assert not any(isinstance(event, AlarmEvent) for event in rig.events)


async def test_a_dark_fibre_burns_no_pad(rig: Rig) -> None:
    def heads() -> list[int]:
        return [store.ledger_bounds(name)[0] for store in rig.stores.values() for name in span_ledgers("ab")]

    async with connected(rig):
        await rig.until(lambda: sum(isinstance(event, AlarmEvent) for event in rig.events) == 2)  # one at each end
        met = heads()
        await asyncio.sleep(1.2)  # longer than the pause before a new meeting
        assert heads() == met
        async with shining(rig):
            await rig.until(lambda: len(rig.blocks("a")) > 0)
    assert rig.blocks("a")[0].aborted is None


async def test_a_forged_confirmation_discards_the_block_counts_it_and_raises_an_alarm(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt: list[bytes] = []

    def spoil(octets: bytes, tag: bytes, pad: bytes) -> bool:
        if octets.startswith(b"aharis distillation") and not spoilt:
            spoilt.append(tag)
            return verify(octets, bytes([tag[0] ^ 1]) + tag[1:], pad)
        return verify(octets, tag, pad)

    monkeypatch.setattr("haris.node.spans.authentication.verify", spoil)
    a, b = rig.stores["a"], rig.stores["b"]
    async with running(rig):
        await rig.until(lambda: all(a.count_ready("b", owner) == TARGETS.n_keys for owner in "ab"))
        await rig.until(lambda: all(b.count_ready("a", owner) == TARGETS.n_keys for owner in "ab"))
    assert spoilt
    lost = [event for event in rig.blocks("b") if event.aborted == "authentication"]
    assert len(lost) == 1
    assert lost[0].secret_bits == 0
    assert any(isinstance(event, AlarmEvent) and "tampered" in event.text for event in rig.events)
    assert not a.blocks_in_doubt("ab")
    assert not b.blocks_in_doubt("ab")
    for owner in "ab":  # nobody kept anything of the block that one end had already stored
        ours, theirs = a.reserve("b", owner, 40, "test"), b.reserve("a", owner, 40, "test")
        assert [(k.key_id, k.secret) for k in ours] == [(k.key_id, k.secret) for k in theirs]


async def test_sites_that_know_different_links_do_not_meet(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = iter([b"a" * 16, b"b" * 16] * 100)
    monkeypatch.setattr(SpanPlan, "agreed_digest", lambda plan: next(digests))
    async with connected(rig):
        await rig.until(lambda: any("another LINK.toml" in getattr(event, "detail", "") for event in rig.events))
    assert not rig.blocks("a")


class Watched(Unwitnessed):
    """Witnesses that count as they are told."""

    n_returns = 0

    def returns(self, site):
        return self.n_returns


async def test_a_peer_that_came_back_is_called_at_once_but_not_for_ever(tmp_path, monkeypatch):
    """Behind a line that accepts and fails, where nobody tells whether the peer is there."""
    monkeypatch.setattr(span_module, "FIRST_PAUSE_S", 20.0)
    rig, calls, watched = Rig(tmp_path), [], Watched()

    async def hang_up(reader, writer):
        calls.append(time.monotonic())
        await close_stream(writer)

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    span = rig.span("a", watched)
    calling = asyncio.create_task(span.connect(server.sockets[0].getsockname()))
    try:
        await rig.until(lambda: len(calls) == 1)
        for n in range(1, span_module.EARLY_CALLS + 1):
            watched.n_returns = n
            await rig.until(lambda n=n: len(calls) == 1 + n)  # the pause is 40 s
        watched.n_returns += 1
        await asyncio.sleep(5 * span_module.LOOK_S)
        assert len(calls) == 1 + span_module.EARLY_CALLS
    finally:
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        server.close()
        await server.wait_closed()
        for store in rig.stores.values():
            store.close()
