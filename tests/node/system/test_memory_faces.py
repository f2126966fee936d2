"""After keys were delivered over 004, SKIP and 020, none is in the memory of the key managers that delivered them.

ETSI GS QKD 014 has its own trial, test_memory_image.
"""

import asyncio
import base64
import os
import urllib.error
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import numpy as np
import pytest
from memory_image import Scanner, summary
from test_memory_image import asked, only_root, processes

from haris.bench import key_sites
from haris.keys.export import pedigree_extension
from haris.node.http.listener import listen
from haris.node.http.messages import Response
from haris.node.operators.etsi020_client import Etsi020Client, interworking_context
from haris.node.operators.etsi020_face import interworking_server_context, refused
from haris.node.pki.authority import add_to_laboratory
from haris.node.pki.credentials import client_context
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.supply.etsi004_client import Etsi004Client
from haris.node.supply.skip_client import SkipClient
from haris.node.system.free_ports import free_ports
from haris.wire import etsi020
from haris.wire.etsi004 import QoS, Status
from haris.wire.etsi020 import AckContainer, AckedKey, AckStatus, ExtKey, ExtKeyContainer

pytestmark = [only_root, pytest.mark.trial, pytest.mark.timeout(600)]
N_KEYS = 100
"""Over each face, of each size, to each site. 014 is tried with a thousand keys; here they would take minutes."""
SIZES = [1] * 40 + [20] * 3
assert sum(SIZES) == N_KEYS


def lay_out(folder, further):
    """Two sites with stock, and with further tables by site."""
    sites = key_sites.two_sites(folder)
    key_sites.preload(folder, 10 * N_KEYS, np.random.default_rng(7))
    for name, text in further.items():
        with (folder / f"{name}.toml").open("a") as file:
            file.write(text)
    return sites


def context(folder, sae):
    pki = folder / "pki"
    return client_context(pki / f"{sae}.crt", pki / f"{sae}.key", pki / "ca.crt", datetime.now(UTC))


def leaked(folder, sites, keys):
    """What is left of the keys in each site's process. One more key is planted there, and must be found."""
    planted = os.urandom(32)
    for site in sites:
        with pytest.raises(urllib.error.HTTPError, match="404"):  # the path stays in a table of the server
            asked(folder, f"sae-{site.name}", site.port, f"/{planted.hex()}")
    scanner, pids = Scanner([*keys, planted]), processes(folder)
    finds = {site.name: scanner.scan(pids[site.name]) for site in sites}
    assert all(any(find.key == len(keys) for find in found) for found in finds.values())
    return {site: summary([find for find in found if find.key < len(keys)]) for site, found in finds.items()}


async def test_no_key_of_a_stream_or_of_skip_is_left(tmp_path):
    ports = dict(zip(("east", "west"), free_ports(2), strict=True))
    streams = {site: f'[etsi004]\nlisten = "127.0.0.1:{port}"\n' for site, port in ports.items()}
    east, west = lay_out(tmp_path, streams)
    with key_sites.running(tmp_path, (east, west)):
        keys = await chunks(tmp_path, ports) + await skip_keys(tmp_path, east, west)
        assert len(set(keys)) == 4 * N_KEYS
        assert await asyncio.to_thread(leaked, tmp_path, (east, west), keys) == {"east": "", "west": ""}


async def chunks(folder, ports):
    """Chunks of two sizes that both ends of a stream have taken."""
    given, qos = [], partial(QoS, timeout_ms=20_000, mimetype="application/json")
    for octets in (32, 72):
        masters = Etsi004Client(("127.0.0.1", ports["east"]), context(folder, "sae-east"))
        slaves = Etsi004Client(("127.0.0.1", ports["west"]), context(folder, "sae-west"))
        async with masters as one, slaves as other:
            ends = await asyncio.gather(
                *(each.open_connect("qkd://sae-east@e", "qkd://sae-west@w", qos(octets)) for each in (one, other))
            )
            name = ends[0].key_stream_id
            assert ends[1].key_stream_id == name
            for _ in range(N_KEYS):
                mine, theirs = await one.get_key(name), await other.get_key(name)
                assert mine.status is theirs.status is Status.SUCCESSFUL
                assert mine.key == theirs.key
                given.append(bytes(mine.key))
    return given


async def skip_keys(folder, east, west):
    given = []
    there = SkipClient(f"https://127.0.0.1:{west.port}", context(folder, "sae-west"))
    async with SkipClient(f"https://127.0.0.1:{east.port}", context(folder, "sae-east")) as one, there as other:
        for size in (256, 512):
            for _ in range(N_KEYS):
                key = await one.fresh_key("sae-west", size)
                assert (await other.known_key(key.key_id, "sae-east")).octets == key.octets
                given.append(key.octets)
    return given


INTERWORKING = """
[interworking]
listen = "127.0.0.1:{port}"
url = "https://127.0.0.1:{port}"
authority = "pki/ca.crt"
[[operator]]
name = "B"
kme = "kme-b"
url = "https://127.0.0.1:{theirs}"
synchronous = true
"""
BOB = '[[sae]]\nid = "bob"\nsite = "west"\noperator = "B"\n'


async def test_no_key_that_crossed_to_or_from_another_operator_is_left(tmp_path):
    sites = lay_out(tmp_path, {})
    add_to_laboratory(tmp_path / "pki", ["kme-b"], ["bob"], [], datetime.now(UTC))
    pki = tmp_path / "pki"
    files = TlsFiles(pki / "kme-b.crt", pki / "kme-b.key", pki / "ca.crt")
    came = []
    theirs = await listen(partial(relay, came), refused, interworking_server_context(files), "127.0.0.1", 0)
    (port,) = free_ports(1)
    for site, table in (("east", BOB), ("west", BOB + INTERWORKING.format(port=port, theirs=theirs.port))):
        with (tmp_path / f"{site}.toml").open("a") as file:
            file.write(table)
    with key_sites.running(tmp_path, sites):
        keys = await handed_over(tmp_path, f"https://127.0.0.1:{port}", interworking_context(files, "kme-west"), sites)
        went = []
        for n_keys in SIZES:
            path = f"/api/v1/keys/bob/enc_keys?number={n_keys}"
            answer = await asyncio.to_thread(asked, tmp_path, "sae-east", sites[0].port, path)
            went += [base64.b64decode(key["key"]) for key in answer["keys"]]
        assert sorted(went) == sorted(came)
        assert len(set(keys + went)) == 3 * N_KEYS
        assert await asyncio.to_thread(leaked, tmp_path, sites, keys + went) == {"east": "", "west": ""}
    await theirs.close()


async def handed_over(folder, url, tls, sites):
    """Keys of bob that his operator hands over, fetched at the gateway itself and at the site behind it."""
    given = []
    async with Etsi020Client(url, tls) as gateway:
        for site in sites:
            for n_keys in SIZES:
                stated = pedigree_extension(key_sites.PEDIGREE)
                keys = tuple(ExtKey(uuid4(), os.urandom(32), stated) for _ in range(n_keys))
                (ack,) = await gateway.ext_keys(ExtKeyContainer(keys, "bob", (f"sae-{site.name}",)))
                assert ack.status is AckStatus.RELAYED
                named = {"key_IDs": [{"key_ID": str(key.key_id)} for key in keys]}
                where = f"sae-{site.name}", site.port, "/api/v1/keys/bob/dec_keys"
                answer = await asyncio.to_thread(asked, folder, *where, named)
                fetched = [base64.b64decode(key["key"]) for key in answer["keys"]]
                assert fetched == [key.octets for key in keys]
                given += fetched
    return given


async def relay(came, request):
    """The gateway of the other operator: everything is relayed."""
    container = etsi020.read_ext_keys(bytes(request.body))
    came += [key.octets for key in container.keys]
    acked = tuple(AckedKey(key.key_id) for key in container.keys)
    ack = AckContainer(acked, AckStatus.RELAYED, container.initiator_sae_id, container.target_sae_ids)
    return Response(etsi020.write_acks([ack]), 200, (), etsi020.CONTENT_TYPE)
