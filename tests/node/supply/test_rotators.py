"""Key rotators of others at haris's key managers: their requests as their code makes them.

wg-qrotator 0.1.4 (PyPI; AGPL, so it is no dependency): kms.py, ETSI_014.get_key, with `requests` and a new connection
for each. arnika (github.com/arnika-project/arnika): repositories/kms/kms.go, GetNewKey and GetKeyByID, with Go's
net/http.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import ssl
from pathlib import Path

import pytest
import requests
from kme_lab import Lab


def wg_qrotator_key(uri: str, root: Path, own: tuple[Path, Path], other: str, key_id: str = "") -> tuple[str, str]:
    """What ETSI_014.get_key does: uri ends in /api/v1/keys; the other SAE stands in the path of both methods."""
    method = f"dec_keys?key_ID={key_id}" if key_id else "enc_keys?number=1&size=256"
    response = requests.get(f"{uri}/{other}/{method}", cert=tuple(map(str, own)), verify=str(root))
    response.raise_for_status()
    answer = response.json()
    assert "keys" in answer
    return answer["keys"][0]["key"], key_id or answer["keys"][0]["key_ID"]


def arnika_key(port: int, root: Path, own: tuple[Path, Path], path: str) -> dict:
    """A GET as Go's net/http writes it over HTTP/1.1."""
    context = ssl.create_default_context(cafile=root)
    context.load_cert_chain(*own)
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
    connection.putrequest("GET", path, skip_accept_encoding=True)
    connection.putheader("User-Agent", "Go-http-client/1.1")
    connection.putheader("Accept-Encoding", "gzip")
    connection.endheaders()
    answer = connection.getresponse()
    octets = answer.read()
    connection.close()
    assert answer.status == 200, octets
    return json.loads(octets)


@pytest.fixture
async def lab(tmp_path: Path):
    lab = Lab(tmp_path)
    for site in ("bank", "exchange"):
        await lab.start(site)
    lab.seed("bank", "exchange", 8)
    yield lab
    await lab.close()


async def test_wg_qrotator_is_keyed(lab: Lab) -> None:
    """Its client mode takes a key and tells the key_ID to its server mode, which fetches it; both set it as it came."""
    files = {sae: lab.files[sae] for sae in ("alice", "bob")}
    for _ in range(3):
        taken, key_id = await asyncio.to_thread(
            wg_qrotator_key,
            f"{lab.url('bank')}/api/v1/keys",
            files["alice"].authority,
            (files["alice"].certificate, files["alice"].private_key),
            "bob",
        )
        fetched, same_id = await asyncio.to_thread(
            wg_qrotator_key,
            f"{lab.url('exchange')}/api/v1/keys",
            files["bob"].authority,
            (files["bob"].certificate, files["bob"].private_key),
            "alice",
            key_id,
        )
        assert (fetched, same_id) == (taken, key_id)
        assert len(base64.b64decode(taken, validate=True)) == 32  # what `wg set ... preshared-key` takes


async def test_arnika_is_keyed(lab: Lab) -> None:
    alice, bob = lab.files["alice"], lab.files["bob"]
    ports = lab.sites["bank"].kme.port, lab.sites["exchange"].kme.port
    own = (alice.certificate, alice.private_key), (bob.certificate, bob.private_key)
    path = "/api/v1/keys/bob/enc_keys?number=1&size=256"
    taken = await asyncio.to_thread(arnika_key, ports[0], alice.authority, own[0], path)
    path = f"/api/v1/keys/alice/dec_keys?key_ID={taken['keys'][0]['key_ID']}"
    fetched = await asyncio.to_thread(arnika_key, ports[1], bob.authority, own[1], path)
    assert fetched["keys"][0]["key"] == taken["keys"][0]["key"]
