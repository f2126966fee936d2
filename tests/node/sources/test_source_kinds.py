"""Each kind of source between real servers: 014, 004 and SKIP of haris, 014 of bad makers, and boxes that push."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fake_boxes import fake_pair
from kme_lab import MEASURED, SAES, Authority, Lab
from source_rig import SourceRig, with_entry
from stream_lab import StreamLab

from haris.keys.allotment import Targets
from haris.keys.skip import Systems
from haris.node.configuration.inventory import SourceEntry
from haris.node.pki.credentials import client_context
from haris.node.pki.mutual_tls import server_context
from haris.node.sources.etsi004 import Etsi004Box, stream_id
from haris.node.sources.etsi014 import Etsi014Box
from haris.node.sources.opening import open_box
from haris.node.sources.push import PushBox
from haris.node.sources.skip import SkipBox
from haris.node.supply.skip_face import skip_routes
from haris.node.system.streams import close_stream
from haris.wire.etsi004 import FIXED, TERMINATED, Close, Framing, KeyGiven, OpenConnect, QoS, Status
from haris.wire.etsi004_octets import read_answer, read_header, write_answer, write_request

FEW = Targets(auth_octets=2048, relay_octets=64, n_keys=8)


@pytest.fixture
def rig(tmp_path: Path):
    folder = tmp_path / "rig"
    folder.mkdir()
    rig = SourceRig(folder, targets=FEW)
    yield rig
    rig.close()


def context(lab: Lab, sae: str) -> ssl.SSLContext:
    files = lab.files[sae]
    return client_context(files.certificate, files.private_key, files.authority, datetime.now(UTC))


@asynccontextmanager
async def two_sites(lab: Lab) -> AsyncIterator[None]:
    await lab.start("exchange")
    await lab.start("bank")
    lab.seed("bank", "exchange", 128, MEASURED)
    lab.seed("exchange", "bank", 128, MEASURED)  # a key stream belongs to the site that its identifier names
    try:
        yield
    finally:
        await lab.close()


def from_014(lab: Lab) -> tuple[Etsi014Box, Etsi014Box]:
    alice = Etsi014Box(lab.url("bank"), context(lab, "alice"), "bob", 256, leave_keys=20)
    return alice, Etsi014Box(lab.url("exchange"), context(lab, "bob"), "alice", 256, leave_keys=0)


async def test_etsi014_of_another_haris_and_what_is_left_there(rig: SourceRig, tmp_path: Path) -> None:
    rig.targets, lab = Targets(auth_octets=2048, relay_octets=64, n_keys=100), Lab(tmp_path)
    async with two_sites(lab), rig.running(*from_014(lab)):
        await rig.until(lambda: "stalled" in rig.states("a"))  # more is wanted than may be drawn
    assert any("holds 20 keys, 20 are left there" in text for text in rig.alarms())
    assert rig.require_same() > 50


@pytest.mark.parametrize("kind", ["004 fixed", "004 terminated", "skip"])
async def test_004_and_skip_of_another_haris(rig: SourceRig, tmp_path: Path, kind: str) -> None:
    lab = SkipLab(tmp_path) if kind == "skip" else StreamLab(tmp_path)
    async with two_sites(lab):
        if isinstance(lab, StreamLab):
            ends = ("qkd://alice@bank.example", "qkd://bob@exchange.example")
            ports = {site: ("127.0.0.1", lab.ports[site]) for site in ("bank", "exchange")}
            framing = TERMINATED if kind == "004 terminated" else FIXED
            boxes = (
                Etsi004Box(ports["bank"], context(lab, "alice"), ends, 256, None, framing),
                Etsi004Box(ports["exchange"], context(lab, "bob"), ends[::-1], 256, None, framing),
            )
        else:
            boxes = (
                SkipBox(lab.url("bank"), context(lab, "alice"), "KP_BOB", 256),
                SkipBox(lab.url("exchange"), context(lab, "bob"), "KP_ALICE", 256),
            )
        async with rig.running(*boxes):
            await rig.until(rig.full)
    assert rig.require_same() == 2 * FEW.n_keys
    assert "quarantined" not in rig.states("a") + rig.states("b")


class SkipLab(Lab):
    def routes(self, site, supply):
        systems = Systems({"alice": "KP_ALICE", "bob": "KP_BOB"}, tuple(SAES))
        return skip_routes(supply, systems, lambda: self.sites[site].kme.deliveries, os.urandom)


def test_a_stream_is_one_of_its_session() -> None:
    assert stream_id(b"s" * 16) == stream_id(b"s" * 16) != stream_id(b"t" * 16)
    assert stream_id(b"s" * 16).version == 8


async def test_014_of_another_maker(rig: SourceRig, tmp_path: Path) -> None:
    async with bad_014(tmp_path) as boxes, rig.running(*boxes):
        await rig.until(rig.full)
    assert rig.require_same() == 2 * FEW.n_keys


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ("wrong size", "wrong size"),
        ("same key_ID", "repeated key_ID"),
        ("zeros", "not random"),
        ("ends differ", "ends differ"),
    ],
)
async def test_014_that_lies_is_quarantined(rig: SourceRig, tmp_path: Path, flaw: str, words: str) -> None:
    async with bad_014(tmp_path, flaw) as boxes, rig.running(*boxes):
        await rig.until(lambda: "quarantined" in rig.states("a"))
    assert any(words in text for text in rig.alarms())
    assert rig.require_same() == 0


@pytest.mark.parametrize("flaw", ["plain list", "parameters ignored", "404s"])
async def test_014_that_breaks_the_standard_gives_keys_or_stalls_but_never_disagrees(
    rig: SourceRig, tmp_path: Path, flaw: str
) -> None:
    async with bad_014(tmp_path, flaw) as boxes, rig.running(*boxes):
        await rig.until(lambda: rig.full() or "stalled" in rig.states("a"))
    assert (rig.require_same() > 0) is (flaw != "plain list")


@asynccontextmanager
async def bad_014(folder: Path, *flaws: str) -> AsyncIterator[tuple[Etsi014Box, Etsi014Box]]:
    authority = Authority(folder)
    now, files = datetime.now(UTC), {sae: authority.issue(sae) for sae in ("alice", "bob")}
    contexts = [client_context(f.certificate, f.private_key, f.authority, now) for f in files.values()]
    async with fake_pair(authority, *flaws) as pair:
        yield (
            Etsi014Box(pair.urls[0], contexts[0], "bob", 256, leave_keys=0),
            Etsi014Box(pair.urls[1], contexts[1], "alice", 256, leave_keys=0),
        )


class Pusher:
    """The box's side of a push at both ends: what both push is in one list."""

    def __init__(self, contexts: Sequence[ssl.SSLContext], framing: Framing = FIXED, octets: int = 32) -> None:
        self.contexts, self.framing, self.octets, self.stream = contexts, framing, octets, uuid4()
        self.writers: list[asyncio.StreamWriter] = []
        self.keys = [(index, os.urandom(32)) for index in range(400)]

    async def connect(self, box: PushBox, end: int) -> tuple[Status, asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(5):
            while box._server is None:
                await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", box.port, ssl=self.contexts[end])
        self.writers.append(writer)
        ask = OpenConnect("qkd://box@here", "qkd://box@there", QoS(self.octets), self.stream)
        writer.write(write_request(ask, self.framing))
        header = read_header(await reader.readexactly(8))
        answer = read_answer(header, await reader.readexactly(header.length), ask, self.framing.dialect)
        return answer.status, reader, writer

    async def push(self, box: PushBox, end: int, keys: Sequence[tuple[int, bytes]]) -> None:
        status, reader, writer = await self.connect(box, end)
        assert status is Status.SUCCESSFUL
        for index, key in keys:
            writer.write(write_answer(KeyGiven(Status.SUCCESSFUL, index, key), self.framing))
            await writer.drain()
        writer.write(write_request(Close(self.stream), self.framing))
        await reader.read(100)
        await close_stream(writer)


@pytest.fixture
def push(tmp_path: Path):
    authority, now = Authority(tmp_path), datetime.now(UTC)
    files = {name: authority.issue(name) for name in ("site-a", "site-b", "box", "mallory")}
    boxes = [PushBox(("127.0.0.1", 0), server_context(files[f"site-{end}"]), "box", 256, None) for end in "ab"]

    def contexts(name: str) -> list[ssl.SSLContext]:
        f = files[name]
        return [client_context(f.certificate, f.private_key, f.authority, now)] * 2

    return boxes, contexts


@pytest.mark.parametrize("framing", [FIXED, TERMINATED])
async def test_a_box_pushes_to_both_ends(rig: SourceRig, push, framing: Framing) -> None:
    boxes, contexts = push
    pusher = Pusher(contexts("box"), framing)
    async with rig.running(*boxes):
        await pusher.push(boxes[0], 0, pusher.keys)
        await asyncio.sleep(0.1)  # the other end comes late
        await pusher.push(boxes[1], 1, pusher.keys)
        await rig.until(rig.full)
    assert rig.require_same() == 2 * FEW.n_keys


async def test_what_one_end_has_lost_is_passed_over_at_the_other(rig: SourceRig, push) -> None:
    boxes, contexts = push
    pusher = Pusher(contexts("box"))
    async with rig.running(*boxes):
        await pusher.push(boxes[1], 1, pusher.keys)
        await pusher.push(boxes[0], 0, pusher.keys[100:])
        await rig.until(rig.full)
    assert not any(f"{pusher.stream}/{index}" in boxes[1]._waiting for index in range(101))
    rig.require_same()


async def test_a_key_that_is_pushed_twice_is_a_lie(rig: SourceRig, push) -> None:
    boxes, contexts = push
    pusher = Pusher(contexts("box"))
    await boxes[0].open(b"")
    await pusher.push(boxes[0], 0, [*pusher.keys[:3], pusher.keys[0]])
    async with rig.running(*boxes):
        await rig.until(lambda: rig.states("a") == ["quarantined"])
    assert any("pushed twice" in text for text in rig.alarms())


async def test_a_stranger_another_size_and_nonsense_bring_no_keys(push) -> None:
    boxes, contexts = push
    await boxes[0].open(b"")
    status, _, writer = await Pusher(contexts("box"), octets=16).connect(boxes[0], 0)
    assert status is Status.QOS_NOT_MET
    await close_stream(writer)
    mallory = Pusher(contexts("mallory"))
    with pytest.raises((asyncio.IncompleteReadError, OSError)):
        await mallory.connect(boxes[0], 0)
    await close_stream(mallory.writers[0])
    with pytest.raises(Exception, match="mallory connected, not box"):
        await boxes[0].fresh(1)
    reader, writer = await asyncio.open_connection("127.0.0.1", boxes[0].port, ssl=contexts("box")[0])
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await reader.read() == b""
    await close_stream(writer)
    with pytest.raises(Exception, match="no key was pushed: version"):
        await boxes[0].fresh(1)
    await boxes[0].close()


def test_the_inventory_opens_each_kind(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    f = authority.issue("alice")
    tls = {"certificate": f.certificate, "private_key": f.private_key, "authority": f.authority}
    entries = {
        Etsi014Box: SourceEntry("s", "etsi014", url="https://box:1", peer_id="bob", **tls),
        SkipBox: SourceEntry("s", "skip", url="https://box:1", peer_id="KP_BOB", **tls),
        Etsi004Box: SourceEntry("s", "etsi004", address="box:1", own_id="a", peer_id="b", **tls),
        PushBox: SourceEntry(
            "s", "etsi004-push", listen="127.0.0.1:0", peer_id="box", key_stream_id=str(UUID(int=7)), **tls
        ),
    }
    for box, entry in entries.items():
        assert type(open_box(entry)) is box
    assert with_entry(maker="").who == "box (Q1)"
