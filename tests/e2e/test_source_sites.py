"""Two sites as processes whose span lives on boxes, with no light anywhere: from their keys to ETSI 014.

The boxes are folders, or the two key managers of another pair of haris sites, which speak ETSI 014, ETSI 004 and SKIP.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from haris.bench import key_sites
from haris.node.pki.authority import make_laboratory
from haris.node.pki.credentials import client_context
from haris.node.spans.commissioning import SECRET_OCTETS
from haris.node.supply.etsi014_client import KmeClient
from haris.node.system.free_ports import free_ports
from haris.nouns.errors import KeyUnavailable
from haris.wire.etsi014 import KeyRequest

NODE = """
[site]
name = "{site}"
[kme]
id = "kme-{site}"
listen = "127.0.0.1:{kme}"
listen_peers = "127.0.0.1:{peers}"
certificate = "pki/kme-{site}.crt"
private_key = "pki/kme-{site}.key"
authority = "pki/ca.crt"
[store]
path = "{site}.db"
key_encryption_key = "{site}.kek"
[pools]
keys = 64
relay_keys = {relay_keys}
auth_octets = {auth_octets}
[[sae]]
id = "alice"
site = "a"
[[sae]]
id = "bob"
site = "b"
[[peer]]
site = "{peer}"
kme = "kme-{peer}"
address = "127.0.0.1:{peer_peers}"
[[span]]
name = "ab"
peer = "{peer}"
role = "{role}"
source = "box"
secret = "{site}.secret"
{how} = "127.0.0.1:{span}"
[[source]]
name = "box"
maker = "Acme"
{source}
"""
FOLDER = """kind = "folder"
folder = "{site}-keys"
poll_s = 0.1
"""
BOX = """kind = "{kind}"
url = "https://localhost:{port}"
peer_id = "sae-{other}"
certificate = "{folder}/pki/sae-{name}.crt"
private_key = "{folder}/pki/sae-{name}.key"
authority = "{folder}/pki/ca.crt"
"""
STREAM_BOX = """kind = "etsi004"
address = "localhost:{port}"
own_id = "qkd://sae-{name}@{name}"
peer_id = "qkd://sae-{other}@{other}"
certificate = "{folder}/pki/sae-{name}.crt"
private_key = "{folder}/pki/sae-{name}.key"
authority = "{folder}/pki/ca.crt"
"""


def lay_out(directory: Path, sources: dict[str, str], relay_keys: int = 32, auth_octets: int = 8192) -> dict[str, int]:
    """Configurations and secrets of both sites. sources: what their [[source]] says. Returns the ports of 014."""
    make_laboratory(directory / "pki", ["kme-a", "kme-b"], ["alice", "bob"], [], datetime.now(UTC))
    kme_a, kme_b, peers_a, peers_b, span = free_ports(5)
    secret = os.urandom(SECRET_OCTETS)
    for site, peer, role, how, kme, peers, theirs in (
        ("a", "b", "alice", "connect", kme_a, peers_a, peers_b),
        ("b", "a", "bob", "listen", kme_b, peers_b, peers_a),
    ):
        text = NODE.format(
            site=site,
            peer=peer,
            role=role,
            how=how,
            kme=kme,
            peers=peers,
            span=span,
            peer_peers=theirs,
            source=sources[site],
            relay_keys=relay_keys,
            auth_octets=auth_octets,
        )
        (directory / f"{site}.toml").write_text(text)
        for name, octets in ((f"{site}.kek", os.urandom(32)), (f"{site}.secret", secret)):
            (directory / name).touch(mode=0o600)
            (directory / name).write_bytes(octets)
    return {"alice": kme_a, "bob": kme_b}


def lay_out_folders(directory: Path) -> dict[str, int]:
    for site in "ab":
        (directory / f"{site}-keys").mkdir(mode=0o700)
    return lay_out(directory, {site: FOLDER.format(site=site) for site in "ab"})


def drop_keys(directory: Path, first: int, n_keys: int) -> None:
    for number in range(first, first + n_keys):
        octets = os.urandom(32)
        for site in "ab":
            part = directory / f"{site}-keys" / f"{number:06}.part"
            part.write_bytes(octets)
            part.rename(part.with_suffix(".key"))


@contextmanager
def site(directory: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "haris.cli.main", "node", str(directory / f"{name}.toml"), "--json"]
    with (directory / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def deliver(directory: Path, ports: dict[str, int]) -> None:
    """One request of alice and one of bob, once keys are there."""
    pki, now = directory / "pki", datetime.now(UTC)
    context = {sae: client_context(pki / f"{sae}.crt", pki / f"{sae}.key", pki / "ca.crt", now) for sae in ports}
    urls = {sae: f"https://127.0.0.1:{port}" for sae, port in ports.items()}
    deadline = time.monotonic() + 100
    async with KmeClient(urls["alice"], context["alice"]) as alice, KmeClient(urls["bob"], context["bob"]) as bob:
        while True:
            try:
                keys = await alice.enc_keys("bob", KeyRequest(8, 256))
                break
            except KeyUnavailable:
                assert time.monotonic() < deadline, (directory / "a.log").read_text()
                await asyncio.sleep(0.1)
        fetched = await bob.dec_keys("alice", [key.key_id for key in keys])
    assert [key.secret for key in keys] == [key.secret for key in fetched]
    assert {key.pedigree.origin for key in keys} == {"vendor"}
    assert {key.pedigree.epsilon for key in keys} == {None}


def test_files_become_keys_of_applications_and_a_killed_site_comes_back(tmp_path: Path) -> None:
    ports = lay_out_folders(tmp_path)
    drop_keys(tmp_path, 0, 500)
    with site(tmp_path, "b"):
        with site(tmp_path, "a") as a:
            asyncio.run(deliver(tmp_path, ports))
            a.kill()
        drop_keys(tmp_path, 500, 500)
        with site(tmp_path, "a"):
            asyncio.run(deliver(tmp_path, ports))
    require_no_trouble(tmp_path)


@pytest.mark.parametrize("kind", ["etsi014", "skip"])
def test_keys_of_another_makers_key_managers_become_keys_of_applications(tmp_path: Path, kind: str) -> None:
    makers = tmp_path / "maker"
    makers.mkdir()
    boxes = key_sites.two_sites(makers)
    key_sites.preload(makers, 1000, np.random.default_rng(8))
    sources = {
        site: BOX.format(kind=kind, port=box.port, other=box.other, name=box.name, folder=makers)
        for site, box in zip("ab", boxes, strict=True)
    }
    ports = lay_out(tmp_path, sources, relay_keys=8, auth_octets=2048)  # SKIP gives a key a request
    with key_sites.running(makers, boxes), site(tmp_path, "b"), site(tmp_path, "a"):
        asyncio.run(deliver(tmp_path, ports))
    require_no_trouble(tmp_path)


def test_key_streams_of_another_makers_key_managers_become_keys_of_applications(tmp_path: Path) -> None:
    makers = tmp_path / "maker"
    makers.mkdir()
    boxes = key_sites.two_sites(makers)
    key_sites.preload(makers, 1000, np.random.default_rng(8))
    sources = {}
    for name, box, port in zip("ab", boxes, free_ports(2), strict=True):
        toml = makers / f"{box.name}.toml"
        toml.write_text(f'{toml.read_text()}\n[etsi004]\nlisten = "127.0.0.1:{port}"\n')
        sources[name] = STREAM_BOX.format(port=port, name=box.name, other=box.other, folder=makers)
    ports = lay_out(tmp_path, sources, relay_keys=8, auth_octets=2048)
    with key_sites.running(makers, boxes), site(tmp_path, "b"), site(tmp_path, "a"):
        asyncio.run(deliver(tmp_path, ports))
    require_no_trouble(tmp_path)


def require_no_trouble(directory: Path) -> None:
    log = (directory / "a.log").read_text() + (directory / "b.log").read_text()
    assert "quarantined" not in log
    assert "Traceback" not in log
