"""A laboratory of three sites as real processes, with short and quick fibres and a spliced line on every span."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from spliced_line import SplicedLine

from haris.demo.laboratory import FIBRES, Laboratory, build
from haris.demo.processes import Process
from haris.node.events import Event, SiteEvent
from haris.node.pki.credentials import client_context
from haris.node.store.store import Store, open_store
from haris.node.supply.etsi014_client import KmeClient
from haris.node.system.free_ports import free_ports

QUICK_LINK = """
[source]
clock_hz = 1e9
intensities = [0.5, 0.15]
p_intensities = [0.7, 0.3]

[channel]
kind = "fibre"
length_m = 10_000
loss_db_per_km = 0.2
misalignment = 0.005

[detector]
efficiency = 0.6
p_dark = 1e-7

[protocol]
name = "decoy-bb84"
p_key_basis = 0.8
block_pulses = 3_000_000

[security]
bound = "variable-length"
epsilon_secrecy = 1e-6
epsilon_correctness = 1e-15
"""
SITES, SPANS = FIBRES.sites, FIBRES.spans


class TrialNetwork:
    """Its processes, which may be killed and started again, and all that they have told."""

    def __init__(self, directory: Path, pool_keys: int = 24, pad_keys: int = 24, link: str = QUICK_LINK) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "quick.toml").write_text(link)
        links = dict.fromkeys(SPANS, directory / "quick.toml")
        self.laboratory: Laboratory = build(directory, pool_keys, pad_keys, links)
        self.events: list[Event] = []
        self.lines = {name: self._splice(name) for name in SPANS}
        self.lights = {name: self._light(name) for name in SPANS}
        self.sites = {site: self._site(site) for site in SITES}
        self._started = {site: asyncio.Event() for site in SITES}

    def _splice(self, name: str) -> SplicedLine:
        (listen,) = free_ports(1)
        to, configuration = self.laboratory.ports[name], self.laboratory.configuration(SPANS[name][0])
        text = configuration.read_text()
        configuration.write_text(text.replace(f'connect = "127.0.0.1:{to}"', f'connect = "127.0.0.1:{listen}"'))
        return SplicedLine(listen, to)

    def _light(self, name: str) -> Process:
        laboratory = self.laboratory
        arguments = ["haris.cli.main", "light", str(laboratory.links[name]), "--socket", str(laboratory.light(name))]
        return Process(f"light {name}", arguments, laboratory.directory / f"light-{name}.log", lambda line: None)

    def _site(self, site: str) -> Process:
        arguments = ["haris.cli.main", "node", str(self.laboratory.configuration(site)), "--json"]
        return Process(site, arguments, self.laboratory.directory / f"{site}.log", self._hear)

    def _hear(self, line: dict[str, Any]) -> None:
        event = msgspec.convert(line, Event)
        self.events.append(event)
        if isinstance(event, SiteEvent) and event.what == "started":
            self._started[event.site].set()

    async def start_site(self, site: str) -> None:
        """Returns when it serves applications."""
        self._started[site].clear()
        await self.sites[site].start()
        await self.until(self._started[site].is_set, 90, f"{site} serves")

    async def start_light(self, name: str) -> None:
        """Returns when sites can attach."""
        await self.lights[name].start()

        def shines() -> bool:
            with socket.socket(socket.AF_UNIX) as probe:
                return probe.connect_ex(str(self.laboratory.light(name))) == 0

        await self.until(shines, 90, f"light {name} shines")

    async def start(self) -> None:
        await asyncio.gather(*(line.start() for line in self.lines.values()))
        await asyncio.gather(*map(self.start_light, self.lights), *map(self.start_site, self.sites))

    async def stop(self) -> None:
        await asyncio.gather(*(process.stop() for process in (*self.sites.values(), *self.lights.values())))
        await asyncio.gather(*(line.stop() for line in self.lines.values()))

    async def until(self, condition: Callable[[], bool], patience_s: float, what: str | Callable[[], str]) -> None:
        """Wait for a condition; a process that ended by itself, and a condition that never came, are failures."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while not condition():
            for process in (*self.sites.values(), *self.lights.values()):
                process.check()
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{what if isinstance(what, str) else what()}: not within {patience_s:g} s")
            await asyncio.sleep(0.02)

    async def rest(self, quiet_s: float = 2.0, patience_s: float = 60) -> None:
        """Wait until no site has told anything for so long: pools are full, and nothing is owed to a peer."""
        clock = asyncio.get_running_loop().time
        n_events, since = len(self.events), clock()

        def rests() -> bool:
            nonlocal n_events, since
            if len(self.events) != n_events:
                n_events, since = len(self.events), clock()
            return clock() - since > quiet_s

        await self.until(rests, patience_s, lambda: f"rest; the newest of what is told: {self.events[-3:]}")

    def told(self, kind: type[Event], **having: object) -> list[Any]:
        """Events of a kind with the given fields."""
        return [
            event
            for event in self.events
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in having.items())
        ]

    def client(self, site: str, sae: str) -> KmeClient:
        """A client of its own for each request: no connection that an earlier kill has broken is used again."""
        pki = self.laboratory.pki
        context = client_context(pki(f"{sae}.crt"), pki(f"{sae}.key"), pki("ca.crt"), datetime.now(UTC))
        return KmeClient(self.laboratory.kme_url(site), context)

    def store(self, site: str) -> Store:
        """The store of a site that has been stopped."""
        directory = self.laboratory.directory
        return open_store(directory / f"{site}.db", (directory / f"{site}.kek").read_bytes(), os.urandom)


@asynccontextmanager
async def running(network: TrialNetwork) -> AsyncIterator[TrialNetwork]:
    try:
        await network.start()
        yield network
    finally:
        await network.stop()
