"""Four sites in a ring as processes, spans fed from folders: keys over two paths at once, and a way around a dead site.

About 15 s: four processes meet over real TLS, and one is killed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from haris.demo.processes import Process
from haris.keys.end_to_end import ASSUMPTION
from haris.node.events import Event, PoolEvent, RelayEvent
from haris.node.pki.authority import make_laboratory
from haris.node.pki.credentials import client_context
from haris.node.spans.commissioning import SECRET_OCTETS
from haris.node.supply.etsi014_client import KmeClient
from haris.node.system.free_ports import free_ports
from haris.nouns.keys import DeliveredKey
from haris.wire.etsi014 import KeyRequest

SITES = ("bank", "exchange", "north", "south")
SPANS = {
    "bank-north": ("bank", "north"),
    "north-exchange": ("north", "exchange"),
    "bank-south": ("bank", "south"),
    "south-exchange": ("exchange", "south"),
}
SAES = {"alice": "bank", "bob": "exchange"}
POOL_KEYS = 40
KEY_OCTETS = 1024
"""Of each dropped file: one holds the keys of a block."""


class Ring:
    """Its processes, and what they have told."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.events: list[Event] = []
        self._dropped = 0
        self.ports = dict(zip([*(f"{s} kme" for s in SITES), *SITES, *SPANS], free_ports(2 * 4 + 4), strict=True))
        kmes = [f"kme-{site}" for site in SITES]
        make_laboratory(directory / "pki", kmes, list(SAES), kmes, datetime.now(UTC))
        secrets = {span: os.urandom(SECRET_OCTETS) for span in SPANS}
        for site in SITES:
            (directory / f"{site}.toml").write_text("\n".join(self._lines(site)))
            self._keep(f"{site}.kek", os.urandom(32))
            for span in (span for span, ends in SPANS.items() if site in ends):
                self._keep(f"{span}.{site}.secret", secrets[span])
                (directory / f"{span}.{site}").mkdir(mode=0o700)
        self.sites = {site: self._process(site) for site in SITES}

    def _keep(self, name: str, octets: bytes) -> None:
        (self.directory / name).touch(mode=0o600)
        (self.directory / name).write_bytes(octets)

    def _process(self, site: str) -> Process:
        arguments = ["haris.cli.main", "node", str(self.directory / f"{site}.toml"), "--json"]
        return Process(site, arguments, self.directory / f"{site}.log", self._hear)

    def _hear(self, line: dict[str, Any]) -> None:
        self.events.append(msgspec.convert(line, Event))

    def _lines(self, site: str) -> list[str]:
        ports = self.ports
        lines = ["[site]", f'name = "{site}"', "[kme]", f'id = "kme-{site}"']
        lines += [f'listen = "127.0.0.1:{ports[f"{site} kme"]}"', f'listen_peers = "127.0.0.1:{ports[site]}"']
        lines += [f'certificate = "pki/kme-{site}.crt"', f'private_key = "pki/kme-{site}.key"']
        lines += ['authority = "pki/ca.crt"', "[store]", f'path = "{site}.db"', f'key_encryption_key = "{site}.kek"']
        lines += ["[pools]", f"keys = {POOL_KEYS}", "relay_keys = 96", "auth_octets = 4096"]
        for sae, home in SAES.items():
            lines += ["[[sae]]", f'id = "{sae}"', f'site = "{home}"']
        for other in (other for other in SITES if other != site):
            lines += ["[[peer]]", f'site = "{other}"', f'kme = "kme-{other}"', f'address = "127.0.0.1:{ports[other]}"']
        for span, (alice, bob) in SPANS.items():
            lines += ["[[edge]]", f'span = "{span}"', f'sites = ["{alice}", "{bob}"]']
            if site in (alice, bob):
                how, peer = ("connect", bob) if site == alice else ("listen", alice)
                lines += ["[[span]]", f'name = "{span}"', f'peer = "{peer}"', f'source = "{span}"']
                lines += [f'role = "{"alice" if site == alice else "bob"}"', f'secret = "{span}.{site}.secret"']
                lines += [f'{how} = "127.0.0.1:{ports[span]}"', "[[source]]", f'name = "{span}"', 'kind = "folder"']
                lines += [f'folder = "{span}.{site}"', f"key_bits = {8 * KEY_OCTETS}", "poll_s = 0.1"]
                lines += ['maker = "Acme"', "stated_epsilon = 1e-12"]
        if site == "bank":
            lines += ["[[pair]]", 'peer = "exchange"', "paths = 2", "end_to_end = true"]
        if site == "exchange":
            lines += ["[[pair]]", 'peer = "bank"', "end_to_end = true"]
        lines += ["[end_to_end]", f'certificate = "pki/kme-{site}.mldsa.crt"']
        return [*lines, f'private_key = "pki/kme-{site}.mldsa.key"', 'authority = "pki/mldsa-ca.crt"', ""]

    def drop_keys(self, n_files: int) -> None:
        """The same fresh keys at both ends of every span."""
        for _ in range(n_files):
            self._dropped += 1
            for span, ends in SPANS.items():
                octets = os.urandom(KEY_OCTETS)
                for site in ends:
                    part = self.directory / f"{span}.{site}" / f"{self._dropped:06}.part"
                    part.write_bytes(octets)
                    part.rename(part.with_suffix(".key"))

    def told(self, kind: type[Event], **having: object) -> list[Any]:
        events = [event for event in self.events if isinstance(event, kind)]
        return [event for event in events if all(getattr(event, name) == value for name, value in having.items())]

    def ready(self, site: str, peer: str) -> int:
        told = self.told(PoolEvent, site=site, peer=peer)
        return told[-1].ready if told else 0

    async def until(self, condition: Callable[[], bool], patience_s: float, what: str) -> None:
        deadline = asyncio.get_running_loop().time() + patience_s
        while not condition():
            for process in self.sites.values():
                process.check()
            assert asyncio.get_running_loop().time() < deadline, f"{what}: not within {patience_s:g} s"
            await asyncio.sleep(0.05)

    async def deliver_nearly_all(self, master: str, slave: str) -> None:
        """Most of what the pool holds now, as the key manager says, not as an event told of it earlier."""
        async with self._client(master) as kme:
            n_keys = (await kme.status(slave)).stored_key_count - 2
        await self.deliver(master, slave, n_keys)

    async def deliver(self, master: str, slave: str, n_keys: int) -> tuple[DeliveredKey, ...]:
        """Keys at both ends; they are the same."""
        async with self._client(master) as kme:
            keys = await kme.enc_keys(slave, KeyRequest(n_keys, 256))
        async with self._client(slave) as kme:
            fetched = await kme.dec_keys(master, [key.key_id for key in keys])
        assert {key.key_id: key.secret for key in keys} == {key.key_id: key.secret for key in fetched}
        return keys

    def _client(self, sae: str) -> KmeClient:
        pki = self.directory / "pki"
        context = client_context(pki / f"{sae}.crt", pki / f"{sae}.key", pki / "ca.crt", datetime.now(UTC))
        return KmeClient(f"https://127.0.0.1:{self.ports[f'{SAES[sae]} kme']}", context)


@asynccontextmanager
async def running(ring: Ring) -> AsyncIterator[Ring]:
    try:
        await asyncio.gather(*(process.start() for process in ring.sites.values()))
        yield ring
    finally:
        await asyncio.gather(*(process.stop() for process in ring.sites.values()))


@pytest.mark.timeout(240)
async def test_two_paths_at_once_and_a_way_around_a_dead_site(tmp_path: Path) -> None:
    ring = Ring(tmp_path)
    ring.drop_keys(60)
    async with running(ring):
        pairs = [("bank", "exchange"), ("exchange", "bank")]
        await ring.until(lambda: all(ring.ready(*pair) >= POOL_KEYS // 2 for pair in pairs), 90, "both pools half full")
        for key in await ring.deliver("alice", "bob", 5):
            assert key.pedigree.hops == 2
            assert key.pedigree.epsilon is not None
            shared, masked = key.pedigree.proof.assumptions[-2:]
            assert shared.startswith("secret sharing over 2 disjoint paths")
            assert masked == ASSUMPTION
        assert {event.path[1] for event in ring.told(RelayEvent, site="bank", peer="exchange")} >= {"north", "south"}
        for key in await ring.deliver("bob", "alice", 5):
            assert key.pedigree.proof.assumptions[-2].startswith("trusted relays: ")

        await ring.sites["north"].kill()
        n_before = len(ring.told(RelayEvent, site="exchange", peer="bank"))
        ring.drop_keys(60)
        await ring.deliver_nearly_all("bob", "alice")

        def around() -> list[RelayEvent]:
            return ring.told(RelayEvent, site="exchange", peer="bank")[n_before:]

        def filled() -> bool:  # levels are told a little later than keys leave
            return bool(around()) and ring.ready("exchange", "bank") >= POOL_KEYS // 2

        await ring.until(filled, 90, "filled over the other way")
        assert {event.path for event in around()} == {("exchange", "south", "bank")}
        await ring.deliver("bob", "alice", 5)
