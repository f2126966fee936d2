"""Two sites without a secret, as processes: ML-KEM at first, keys that say so, new certificates without a stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from trial_network import QUICK_LINK

from haris.demo.processes import Process
from haris.keys.commissioning import ASSUMPTIONS, Means
from haris.node.pki.authority import add_to_laboratory, make_laboratory
from haris.node.pki.credentials import client_context, read_certificates
from haris.node.supply.etsi014_client import KmeClient
from haris.node.system.free_ports import free_ports
from haris.nouns.errors import KeyUnavailable

SITES = ("a", "b")


class TwoSites:
    def __init__(self, directory: Path) -> None:
        self.directory, self.told = directory, []
        make_laboratory(directory / "pki", ["kme-a", "kme-b"], ["alice", "bob"], ["kme-a", "kme-b"], datetime.now(UTC))
        (directory / "link.toml").write_text(QUICK_LINK)
        self.ports = dict(zip(("a", "b", "a peers", "b peers", "span"), free_ports(5), strict=True))
        for site in SITES:
            (directory / f"{site}.kek").touch(mode=0o600)
            (directory / f"{site}.kek").write_bytes(site.encode() * 32)
            (directory / f"{site}.toml").write_text(self.configuration(site))
        light = ["haris.cli.main", "light", str(directory / "link.toml"), "--socket", str(directory / "light")]
        self.processes = {"light": Process("light", light, directory / "light.log", lambda line: None)}
        for site in SITES:
            arguments = ["haris.cli.main", "node", str(directory / f"{site}.toml"), "--json"]
            self.processes[site] = Process(site, arguments, directory / f"{site}.log", self.told.append)

    def configuration(self, site: str) -> str:
        other = "b" if site == "a" else "a"
        way = "connect" if site == "a" else "listen"
        return f"""
[site]
name = "{site}"
laboratory = true
[kme]
id = "kme-{site}"
listen = "127.0.0.1:{self.ports[site]}"
listen_peers = "127.0.0.1:{self.ports[site + " peers"]}"
certificate = "pki/kme-{site}.crt"
private_key = "pki/kme-{site}.key"
authority = "pki/ca.crt"
[store]
path = "{site}.db"
key_encryption_key = "{site}.kek"
[pools]
keys = 24
relay_keys = 24
auth_octets = 4096
[end_to_end]
certificate = "pki/kme-{site}.mldsa.crt"
private_key = "pki/kme-{site}.mldsa.key"
authority = "pki/mldsa-ca.crt"
[[sae]]
id = "alice"
site = "a"
[[sae]]
id = "bob"
site = "b"
[[peer]]
site = "{other}"
kme = "kme-{other}"
address = "127.0.0.1:{self.ports[other + " peers"]}"
[[span]]
name = "ab"
peer = "{other}"
role = "{"alice" if site == "a" else "bob"}"
link = "link.toml"
light = "light"
commission = "ml-kem"
{way} = "127.0.0.1:{self.ports["span"]}"
"""

    def client(self, site: str, sae: str) -> KmeClient:
        pki = self.directory / "pki"
        context = client_context(pki / f"{sae}.crt", pki / f"{sae}.key", pki / "ca.crt", datetime.now(UTC))
        return KmeClient(f"https://127.0.0.1:{self.ports[site]}", context)

    async def take(self) -> Any:
        """One key for alice, and what bob gets for it."""
        for _ in range(600):
            for process in self.processes.values():
                process.check()
            try:
                async with self.client("a", "alice") as alice, self.client("b", "bob") as bob:
                    key = await alice.enc_key("bob")
                    return key, await bob.dec_key("alice", key.key_id)
            except KeyUnavailable:
                await asyncio.sleep(0.05)
        raise AssertionError("no key within 30 s")

    def served(self) -> int | None:
        """The number of the certificate that a new connection to site a is shown."""
        pki = self.directory / "pki"
        context = client_context(pki / "alice.crt", pki / "alice.key", pki / "ca.crt", datetime.now(UTC))
        plain = socket.create_connection(("127.0.0.1", self.ports["a"]), timeout=5)
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            return int((connection.getpeercert() or {})["serialNumber"], 16)


@pytest.fixture
async def sites(tmp_path):
    sites = TwoSites(tmp_path)
    try:
        for name in ("light", *SITES):
            await sites.processes[name].start()
        yield sites
    finally:
        await asyncio.gather(*(process.stop() for process in sites.processes.values()))


async def test_ml_kem_commissions_two_sites_and_a_new_certificate_needs_no_stop(sites):
    mine, theirs = await sites.take()
    assert mine == theirs
    assert ASSUMPTIONS[Means.ML_KEM] in mine.pedigree.proof.assumptions
    pki, first = sites.directory / "pki", await asyncio.to_thread(sites.served)
    for kind in ("crt", "key"):
        (pki / f"kme-a.{kind}").unlink()
    add_to_laboratory(pki, ["kme-a"], [], [], datetime.now(UTC), issuer="ca")
    fresh = read_certificates(pki / "kme-a.crt")[0].serial_number
    assert fresh != first
    os.kill(sites.processes["a"].pid, signal.SIGHUP)
    async with asyncio.timeout(60):
        while await asyncio.to_thread(sites.served) != fresh:
            await asyncio.sleep(0.05)
    again, theirs = await sites.take()
    assert again == theirs != mine
