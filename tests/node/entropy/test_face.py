"""The HTTP face of a supply with real sockets and TLS. Its witnesses are curl and openssl."""

import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from entropy_lab import VACUUM, StillSupply
from kme_lab import Authority

from haris.node.entropy.client import SupplyClient
from haris.node.entropy.device import DeviceError
from haris.node.entropy.face import serve
from haris.node.entropy.supply_toml import DeviceTable, ListenerTable
from haris.node.pki.credentials import client_context
from haris.node.supply.skip_client import SkipClient
from haris.node.system.threads import finish_in_thread
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.wire.randomness import Birth, BitOrigin, RandomRequest


class Served:
    def __init__(self, folder: Path, still: StillSupply, callers: tuple[str, ...]) -> None:
        self.folder, self.still = folder, still
        authority = Authority(folder)
        files = authority.issue("supply")
        self.ours, self.stranger = authority.issue("us"), authority.issue("stranger")
        self.foreign = Authority(folder, "foreign").issue("us", stem="foreigner")
        self.table = ListenerTable("127.0.0.1:0", files.certificate, files.private_key, files.authority, callers)
        self.url = ""

    def context(self) -> ssl.SSLContext:
        return client_context(self.ours.certificate, self.ours.private_key, self.ours.authority, datetime.now(UTC))

    async def get(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.context())) as session,
            session.get(self.url + path) as answer,
        ):
            return answer.status, await answer.read(), dict(answer.headers)

    async def curl(self, path: str, files=None) -> subprocess.CompletedProcess[bytes]:
        files = files or self.ours
        words = ["curl", "-sS", "-i", "--cacert", str(self.folder / "ca.crt"), "--cert", str(files.certificate)]
        return await finish_in_thread(
            subprocess.run, [*words, "--key", str(files.private_key), self.url + path], capture_output=True, timeout=30
        )


@pytest.fixture
async def served(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    still = StillSupply(Birth.EMULATED, pool_octets=2**16, reserve_octets=1000)
    made = Served(tmp_path, still, getattr(request, "param", ()))
    listener = await serve(still.supply, made.table)
    made.url = f"https://127.0.0.1:{listener.port}"
    yield made
    await listener.close()


async def test_what_is_given_says_what_it_is(served: Served) -> None:
    octets = served.still.fill(2000)
    status, body, headers = await served.get("/random?length=100&format=BINARY")
    assert (status, body) == (200, octets[:100])
    assert (headers["Haris-Origin"], headers["Haris-Device"]) == ("source", "emulated")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Cache-Control"] == "no-store"
    status, body, headers = await served.get("/random?length=100")
    assert (status, body.decode(), headers["Content-Type"]) == (200, octets[100:200].hex(), "text/plain")
    status, body, headers = await served.get("/random?length=1000&format=HEX")
    assert (status, headers["Haris-Origin"]) == (200, "drbg")
    status, body, headers = await served.get("/random?length=1000&format=hex&origin=source")
    assert (status, headers["Haris-Origin"]) == (200, "source")
    assert bytes.fromhex(body.decode()) == octets[248:1248]


async def test_a_dry_pool_says_when_to_come_again(served: Served) -> None:
    served.still.fill(100)
    status, body, headers = await served.get("/random?length=101&origin=source")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert "too few" in json.loads(body)["message"]
    served.still.fail("the source is stuck")
    for path in ("/random?length=1", "/random?length=1&origin=source", "/entropy?minentropy=8"):
        status, body, headers = await served.get(path)
        assert (status, headers["Retry-After"]) == (503, "1")
        assert json.loads(body)["message"] == "no random numbers: the source is stuck"
        assert "Haris-Origin" not in headers


async def test_entropy_as_skip_has_it(served: Served) -> None:
    octets = served.still.fill(2000)
    status, body, headers = await served.get("/entropy?minentropy=100")
    assert (status, headers["Haris-Origin"]) == (200, "source")
    assert json.loads(body) == {"randomStr": octets[:13].hex(), "minentropy": 104}
    assert json.loads((await served.get("/entropy"))[1])["minentropy"] == 256
    async with SkipClient(served.url, served.context()) as client:  # as an encryptor would ask
        told = await client.capabilities()
        assert (told.entropy, told.key, told.local_system, told.remote_systems) == (True, False, "supply", ())
        assert len(await client.entropy(1000)) == 125


@pytest.mark.parametrize(
    "query",
    [
        "random",
        "random?length=0",
        "random?length=-1",
        "random?length=1048577",
        "random?length=1e3",
        "random?length=٣",
        "random?length=1&length=2",
        "random?length=1&format=JSON",
        "random?length=1&origin=drbg",
        "random?length=1&more=1",
        "entropy?minentropy=0",
        "entropy?minentropy=8193",
        "entropy?minentropy=8&minentropy=8",
        "entropy?length=8",
    ],
)
async def test_requests_that_are_wrong(served: Served, query: str) -> None:
    served.still.fill(2000)
    assert (await served.get(f"/{query}"))[0] == 400
    assert served.still.pool.n_ready == 2000  # nothing was taken for them


async def test_what_is_not_there(served: Served) -> None:
    assert (await served.get("/else"))[0] == 404
    assert (await finish_in_thread(served.still.supply.status)).pool_octets == 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("served", [("us",)], indirect=True)
async def test_curl_with_certificates_of_all_kinds(served: Served) -> None:
    octets = served.still.fill(2000)
    answer = await served.curl("/random?length=40&format=BINARY&origin=source")
    head, _, body = answer.stdout.partition(b"\r\n\r\n")
    assert b"HTTP/1.1 200" in head
    assert b"Haris-Origin: source" in head
    assert body == octets[:40]
    answer = await served.curl("/random?length=40", served.stranger)
    assert b"HTTP/1.1 401" in answer.stdout
    assert (await served.curl("/random?length=40", served.foreign)).returncode != 0
    bare = ["curl", "-sS", "--cacert", str(served.folder / "ca.crt"), served.url + "/random?length=40"]
    assert (await finish_in_thread(subprocess.run, bare, capture_output=True, timeout=30)).returncode != 0
    assert served.still.pool.n_ready == 1960


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
async def test_openssl_sees_that_a_certificate_is_asked_for(served: Served) -> None:
    words = ["openssl", "s_client", "-connect", served.url.removeprefix("https://"), "-CAfile"]
    words += [str(served.folder / "ca.crt"), "-verify_return_error", "-ign_eof"]
    seen = await finish_in_thread(subprocess.run, words, input=b"", capture_output=True, timeout=30)
    assert b"Verification: OK" in seen.stdout
    assert b"certificate required" in seen.stderr


async def test_our_client(served: Served) -> None:
    client = SupplyClient(served.url, served.context())
    with pytest.raises(KeyUnavailable, match="start-up"):
        await finish_in_thread(client.random, RandomRequest(10))
    octets = served.still.fill(5000)
    for form, first in (("HEX", 0), ("BINARY", 1000)):
        given = await finish_in_thread(client.random, RandomRequest(1000, form, source_only=True))
        assert given == (octets[first : first + 1000], BitOrigin.SOURCE, Birth.EMULATED)
    status = await finish_in_thread(client.status)
    assert (status.birth, status.pool_octets, status.n_given) == (Birth.EMULATED, 3000, 2000)
    with pytest.raises(ParameterError):
        SupplyClient("http://127.0.0.1:1", served.context())
    await finish_in_thread(client.close)


async def test_our_client_of_a_supply_that_breaks_its_word(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    client = SupplyClient(served.url, served.context())
    served.still.fill(1000)
    monkeypatch.setattr(served.still.supply, "give", lambda n, source_only: (bytes(n), BitOrigin.DRBG))
    with pytest.raises(PeerError, match="generator"):
        await finish_in_thread(client.random, RandomRequest(10, source_only=True))
    monkeypatch.setattr(served.still.supply, "give", lambda n, source_only: (bytes(n + 1), BitOrigin.SOURCE))
    with pytest.raises(PeerError, match="shall hold 10"):
        await finish_in_thread(client.random, RandomRequest(10, source_only=True))
    monkeypatch.setattr(served.still.supply, "give", lambda n, source_only: (bytes(n + 999), BitOrigin.SOURCE))
    with pytest.raises(PeerError, match="exceeds"):
        await finish_in_thread(client.random, RandomRequest(10, source_only=True))
    await finish_in_thread(client.close)


def read_as_a_device(served: Served, kind: str, url: str, n_samples: int) -> tuple[bytes, Birth]:
    files = served.ours
    rest = {"certificate": files.certificate, "private_key": files.private_key, "authority": files.authority}
    device = DeviceTable(kind, url=url, at_once_octets=1000, **rest).device(VACUUM(8))
    device.open()
    try:
        return device.read(n_samples).samples.values.tobytes(), device.birth
    finally:
        device.close()


async def test_a_supply_as_another_ones_device_passes_on_what_its_samples_are(served: Served) -> None:
    """Else emulated bits would come out as a maker's, and those of a generator as samples."""
    octets = served.still.fill(4000)
    url = f"{served.url}/random?origin=source"
    assert await finish_in_thread(read_as_a_device, served, "http", url, 3000) == (octets[:3000], Birth.EMULATED)
    for kind, url in (("http", f"{served.url}/random"), ("skip", served.url)):
        with pytest.raises(DeviceError, match="bits of a generator"):
            await finish_in_thread(read_as_a_device, served, kind, url, 1000)
