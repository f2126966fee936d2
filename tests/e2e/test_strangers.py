"""Who comes to a network that runs: a client of others is served; a peer that speaks nonsense ends its session only."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from etsi_qkd_014_client import QKD014Client
from trial_network import TrialNetwork, running

from haris.node.events import BlockEvent, PoolEvent
from haris.nouns.errors import KeyUnavailable
from haris.wire.framing import frame

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(100)]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TrialNetwork]:
    async with running(TrialNetwork(tmp_path_factory.mktemp("network"))) as network:
        yield network


async def test_a_client_of_others_takes_a_key_at_one_site_and_fetches_it_at_the_other(network: TrialNetwork) -> None:
    await network.until(
        lambda: any(e.ready for e in network.told(PoolEvent, site="bank", peer="exchange")), 30, "a key"
    )
    pki = network.laboratory.pki

    def client(site: str, sae: str) -> QKD014Client:
        port = network.laboratory.ports[f"{site} kme"]
        return QKD014Client(f"localhost:{port}", str(pki(f"{sae}.crt")), str(pki(f"{sae}.key")), str(pki("ca.crt")))

    bank, exchange = client("bank", "sae-bank"), client("exchange", "sae-exchange")
    code, status = await asyncio.to_thread(bank.get_status, "sae-exchange")
    assert (code, status.source_kme_id, status.target_kme_id) == (200, "kme-bank", "kme-exchange")
    assert status.stored_key_count > 0
    code, taken = await asyncio.to_thread(bank.get_key, "sae-exchange", 1, 256)
    assert code == 200
    key_ids = [key.key_id for key in taken.keys]
    code, fetched = await asyncio.to_thread(exchange.get_key_with_key_IDs, "sae-bank", key_ids)
    assert code == 200
    assert [key.key for key in fetched.keys] == [key.key for key in taken.keys]
    code, _ = await asyncio.to_thread(exchange.get_key_with_key_IDs, "sae-bank", key_ids)
    assert code == 400


@contextlib.asynccontextmanager
async def connected(port: int, context: ssl.SSLContext | None = None):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


NONSENSE = (
    b"\x00" * 64,
    b"GET / HTTP/1.1\r\n\r\n",
    b"\xff" * 64,
    frame(b"\x93\x01\x02"),
    b"\x16\x03\x01\x02\x00" + b"\x00" * 64,
)


async def test_a_peer_that_speaks_nonsense_ends_its_session_and_no_process(network: TrialNetwork) -> None:
    await network.until(lambda: network.told(PoolEvent, site="midway", peer="bank"), 30, "the first keys")
    ports, pki = network.laboratory.ports, network.laboratory.pki
    stranger = ssl.create_default_context(cafile=str(pki("ca.crt")))
    stranger.check_hostname = False
    stranger.load_cert_chain(pki("sae-bank.crt"), pki("sae-bank.key"))  # an application is no key manager
    for octets in NONSENSE:
        for where in ("bank-midway", "midway peers", "midway kme"):
            async with connected(ports[where]) as (reader, writer):
                writer.write(octets)
                writer.write_eof()
                with contextlib.suppress(OSError):
                    async with asyncio.timeout(15):
                        await reader.read()
    for path in ("assign", "void", "relay"):
        async with connected(ports["midway peers"], stranger) as (reader, writer):
            request = f"POST /haris/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{{]}}"
            writer.write(request.encode())
            assert (await reader.readline()).split()[1][:1] == b"4"
    n_blocks = len(network.told(BlockEvent, site="midway", aborted=None))
    async with network.client("bank", "sae-bank") as kme:
        async with asyncio.timeout(60):
            while len(network.told(BlockEvent, site="midway", aborted=None)) == n_blocks:
                with contextlib.suppress(KeyUnavailable):  # the pool is drawn dry; fresh blocks fill it
                    await kme.enc_key("sae-exchange")
    for process in network.sites.values():
        process.check()
