"""The spans of a site, and those that join them while it runs."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_store import KEK

from haris.keys.allotment import Targets
from haris.node.configuration.inventory import SourceEntry
from haris.node.configuration.node_toml import SpanEntry
from haris.node.life.witnessing import Unwitnessed
from haris.node.site_spans import Planned, Spans
from haris.node.spans.plan import SourcePlan, SpanPlan
from haris.node.spans.reach import Reach
from haris.node.store.store import open_store
from haris.nouns.alarms import Alarm
from haris.nouns.errors import ParameterError


def planned(name: str, peer: str, port: int, folder: Path) -> Planned:
    source = SourceEntry(name, "folder", folder=folder, key_bits=2048, maker="Acme")
    plan = SpanPlan(name, "bank", peer, "bob", Targets(1024, 1024, 8), SourcePlan(source, folder / "release"))
    return plan, SpanEntry(name, peer, "bob", Path("secret"), source=name, listen=f"127.0.0.1:{port}")


async def reached(port: int) -> None:
    """Return once somebody listens."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def free_ports(n: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


async def test_spans_join_and_one_that_cannot_listen_ends_no_other(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", KEK, os.urandom)
    levels: set[str] = set()
    alarms: list[Alarm] = []

    async def tell_level(peer: str, target: int) -> int:
        levels.add(peer)
        return target

    relays = SimpleNamespace(pairs=[SimpleNamespace(peer="broker")], observe=lambda event: None, tell_level=tell_level)
    ports = free_ports(3)
    names = [("s-exchange", "exchange"), ("s-broker", "broker"), ("s-late", "late")]
    plans = [planned(name, peer, port, tmp_path) for (name, peer), port in zip(names, ports, strict=True)]
    there = relays, Unwitnessed(), lambda event: None, alarms.append, os.urandom, Reach()
    spans = Spans(plans[:1], store, *there)  # type: ignore[arg-type]
    peers = SimpleNamespace(span_version=lambda site: None)
    running = asyncio.create_task(spans.run(peers))  # type: ignore[arg-type]
    await reached(ports[0])
    spans.join(plans[1:2])
    await reached(ports[1])
    spans.join([planned("s-taken", "taken", ports[0], tmp_path)])
    spans.join(plans[2:])
    await reached(ports[2])
    async with asyncio.timeout(20):
        while not (alarms and {"exchange", "late"} <= levels):
            await asyncio.sleep(0.05)
    (alarm,) = alarms
    assert "span s-taken cannot listen" in alarm.text
    assert "broker" not in levels  # relays fill that pool, and tell it
    assert spans.names == {"s-exchange", "s-broker", "s-late", "s-taken"}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    pointing = spans._pointing
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", ports[0])
    again = asyncio.create_task(spans.run(peers))  # type: ignore[arg-type]  # as a process that leads once more
    await reached(ports[2])
    assert not again.done()
    assert spans._pointing is not pointing  # a light that goes on without its span holds up no other
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    store.close()


async def test_a_first_span_that_cannot_listen_ends_them_all(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", KEK, os.urandom)
    relays = SimpleNamespace(pairs=[], observe=lambda event: None, tell_level=None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = planned("s-taken", "taken", taken.getsockname()[1], tmp_path)
        spans = Spans([first], store, relays, Unwitnessed(), print, print, os.urandom, Reach())  # type: ignore[arg-type]
        with pytest.raises(ExceptionGroup) as raised:
            await spans.run(SimpleNamespace(span_version=lambda site: None))  # type: ignore[arg-type]
    assert raised.group_contains(ParameterError, match="cannot listen")
    store.close()
