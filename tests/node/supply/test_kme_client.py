"""The client against a small key manager of the test's own, over mutual TLS with the laboratory's certificates."""

import base64
import json
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web

from haris.node.pki.authority import make_laboratory
from haris.node.pki.credentials import client_context
from haris.node.supply.etsi014_client import KmeClient
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import Origin
from haris.wire.etsi014 import KeyRequest

NOW = datetime.now(UTC)
KEYS = [{"key_ID": str(UUID(int=i)), "key": base64.b64encode(bytes([i] * 32)).decode()} for i in (1, 2)]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("laboratory")
    make_laboratory(directory, ["kme-a"], ["sae-a"], [], NOW)
    return directory


def context(laboratory: Path) -> ssl.SSLContext:
    return client_context(laboratory / "sae-a.crt", laboratory / "sae-a.key", laboratory / "ca.crt", NOW)


@asynccontextmanager
async def served(laboratory: Path, status: int, body: object, headers: dict[str, str] | None = None):
    """A client of a server that answers everything with one answer, and the list of what it was asked.

    body: of the answer; None: the connection breaks instead.
    """
    asked: list[tuple[str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        certificate = request.transport.get_extra_info("peercert")
        assert certificate["subject"] == ((("commonName", "sae-a"),),)
        asked.append((request.method, request.raw_path, (await request.read()).decode()))
        if body is None:
            request.transport.abort()
        return web.Response(status=status, text=body if isinstance(body, str) else json.dumps(body), headers=headers)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(laboratory / "kme-a.crt", laboratory / "kme-a.key")
    tls.load_verify_locations(laboratory / "ca.crt")
    tls.verify_mode = ssl.CERT_REQUIRED
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        async with KmeClient(f"https://127.0.0.1:{runner.addresses[0][1]}", context(laboratory)) as kme:
            yield kme, asked
    finally:
        await runner.cleanup()


async def test_a_request_whose_answer_is_lost_is_not_sent_again(laboratory):
    async with served(laboratory, 200, None) as (kme, asked):
        with pytest.raises(KeyUnavailable, match="cannot be reached"):
            await kme.dec_key("sae-b", UUID(int=1))
        assert len(asked) == 1


async def test_keys_are_fetched_as_the_standard_says(laboratory):
    async with served(laboratory, 200, {"keys": KEYS[:1]}) as (kme, asked):
        key = await kme.enc_key("sae/b")
        assert (key.key_id, key.secret) == (UUID(int=1), bytes([1] * 32))
        assert key.pedigree.origin is Origin.VENDOR
        assert key.pedigree.epsilon is None
        await kme.enc_keys("sae-b")
        await kme.dec_key("sae-b", UUID(int=1))
    assert asked == [
        ("GET", "/api/v1/keys/sae%2Fb/enc_keys?number=1&size=256", ""),
        ("GET", "/api/v1/keys/sae-b/enc_keys", ""),
        ("GET", f"/api/v1/keys/sae-b/dec_keys?key_ID={UUID(int=1)}", ""),
    ]


async def test_what_get_cannot_say_is_posted(laboratory):
    async with served(laboratory, 200, {"keys": KEYS}) as (kme, asked):
        await kme.enc_keys("sae-b", KeyRequest(number=2, additional_slave_sae_ids=("sae-c",)))
        keys = await kme.dec_keys("sae-b", [UUID(int=2), UUID(int=1)])
        assert [key.key_id.int for key in keys] == [2, 1]
    assert [method for method, _, _ in asked] == ["POST", "POST"]
    assert json.loads(asked[0][2]) == {"number": 2, "additional_slave_SAE_IDs": ["sae-c"]}


@pytest.mark.parametrize(
    ("status", "body", "error", "text"),
    [
        (503, {"message": "pool exhausted"}, KeyUnavailable, "pool exhausted"),
        (400, {"message": "one or more keys specified are not found on KME"}, ParameterError, "not found on KME"),
        (401, {"message": "not yours"}, ParameterError, "not yours"),
        (500, "boom", PeerError, "500"),
        (200, "boom", PeerError, "JSON"),
        (200, " " * (1 << 22) + "{}", PeerError, "exceeds"),
        (200, {"keys": []}, PeerError, "0 keys"),
        (200, {"keys": KEYS}, PeerError, "2 keys"),
        (200, {"keys": [{"key_ID": "x", "key": "AA=="}]}, PeerError, "wrong form"),
        (200, {"keys": [{"key_ID": str(UUID(int=1)), "key": "AAAA"}]}, PeerError, "another size"),
    ],
)
async def test_refusals_and_nonsense(laboratory, status, body, error, text):
    async with served(laboratory, status, body, {"Retry-After": "7"}) as (kme, _):
        with pytest.raises(error, match=text) as caught:
            await kme.enc_key("sae-b")
    assert getattr(caught.value, "retry_after_s", 7) == 7


async def test_another_key_than_the_one_named_is_refused(laboratory):
    async with served(laboratory, 200, {"keys": KEYS[:1]}) as (kme, _):
        with pytest.raises(PeerError, match="other keys"):
            await kme.dec_key("sae-b", UUID(int=9))


async def test_status(laboratory):
    sizes = dict.fromkeys(
        ("key_size", "max_key_count", "max_key_per_request", "max_key_size", "min_key_size", "max_SAE_ID_count"), 256
    )
    names = {"source_KME_ID": "kme-a", "target_KME_ID": "kme-b", "master_SAE_ID": "sae-a", "slave_SAE_ID": "sae-b"}
    async with served(laboratory, 200, {**names, **sizes, "stored_key_count": 3}) as (kme, asked):
        assert (await kme.status("sae-b")).stored_key_count == 3
    assert asked == [("GET", "/api/v1/keys/sae-b/status", "")]


async def test_an_absent_key_manager_has_no_key(laboratory):
    async with KmeClient("https://127.0.0.1:1", context(laboratory)) as kme:
        with pytest.raises(KeyUnavailable, match="cannot be reached"):
            await kme.enc_key("sae-b")


async def test_a_key_manager_of_another_authority_is_refused(laboratory, tmp_path):
    make_laboratory(tmp_path, ["kme-x"], ["sae-a"], [], NOW)
    async with served(laboratory, 200, {"keys": KEYS[:1]}) as (kme, asked):
        async with KmeClient(kme._url, context(tmp_path)) as stranger:
            with pytest.raises(PeerError, match="is not trusted: self-signed"):
                await stranger.enc_key("sae-b")
        assert asked == []


def test_certificates_that_are_missing_expired_or_mixed_up_are_named(laboratory, tmp_path):
    paths = [laboratory / name for name in ("sae-a.crt", "sae-a.key", "ca.crt")]
    with pytest.raises(ParameterError, match=r"none\.crt: No such file"):
        client_context(tmp_path / "none.crt", *paths[1:], NOW)
    with pytest.raises(ParameterError, match=r"sae-a\.crt: expired on"):
        client_context(*paths, NOW + timedelta(days=400))
    with pytest.raises(ParameterError, match=r"sae-a\.crt: not valid before"):
        client_context(*paths, NOW - timedelta(days=1))
    with pytest.raises(ParameterError, match=r"kme-a\.key"):
        client_context(paths[0], laboratory / "kme-a.key", paths[2], NOW)
    with pytest.raises(ParameterError, match="not a certificate"):
        client_context(paths[1], *paths[1:], NOW)
