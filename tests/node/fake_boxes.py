"""Key managers of other makers, as bad as they come: a pair of ETSI GS QKD 014 servers with flaws to choose.

Each flaw was seen in the field: identity from a header, dead-locks at eight clients, 404s, keys in a plain list,
parameters ignored, frameworks whose errors have no message.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from kme_lab import Authority

from haris.node.pki.mutual_tls import TlsFiles


class Refused(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass
class Shared:
    """What the two boxes of a pair hold."""

    stored: int = 10_000
    kept: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    n_given: int = 0


class FakeBox:
    """One end. flaws: any of the words that are looked for below."""

    def __init__(self, kme: str, peer_kme: str, shared: Shared, flaws: frozenset[str]) -> None:
        self.kme, self.peer_kme, self.shared, self.flaws = kme, peer_kme, shared, flaws
        self.saes = {"alice", "bob"}
        self.n_inside = 0

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/api/v1/keys/{other}/{method}", self.handle)
        return app

    def caller(self, request: web.Request) -> str:
        if "identity from header" in self.flaws and (claimed := request.headers.get("X-SAE-ID")):
            return claimed
        certificate = request.transport.get_extra_info("ssl_object").getpeercert()
        names = [value for entry in (certificate or {}).get("subject", ()) for _, value in entry]
        if not names:
            if "identity from header" in self.flaws or "no client certificate" in self.flaws:
                return "alice"
            raise Refused(401, "no certificate")
        return names[0]

    async def handle(self, request: web.Request) -> web.Response:
        try:
            items = await self.answer(request)
        except Refused as refused:
            if "errors without message" in self.flaws:
                return web.json_response({"detail": [{"msg": refused.text}]}, status=422)
            status = 404 if "404s" in self.flaws and refused.status == 400 else refused.status
            return web.json_response({"message": refused.text}, status=status)
        if "plain list" in self.flaws and isinstance(items, dict) and "keys" in items:
            items = items["keys"]
        return web.json_response(items)

    async def answer(self, request: web.Request) -> Any:
        caller, other = self.caller(request), request.match_info["other"]
        if caller not in self.saes:
            raise Refused(401, "unknown SAE")
        if other not in self.saes or (other == caller and "anybody's keys" not in self.flaws):
            raise Refused(400, "unknown SAE in the path")
        if "dead-lock" in self.flaws:
            self.n_inside += 1
            await asyncio.sleep(0.1)
            if self.n_inside >= 8:
                await asyncio.sleep(3600)
            self.n_inside -= 1
        method, body = request.match_info["method"], await request.read()
        if method == "status":
            return self.status(caller, other)
        asked = self.asked(request, body)
        return self.enc(caller, other, asked) if method == "enc_keys" else await self.dec(caller, other, asked)

    def status(self, caller: str, other: str) -> dict[str, Any]:
        limit = -1 if "status contradicts itself" in self.flaws else 10**6
        items = {
            "source_KME_ID": self.kme, "target_KME_ID": self.peer_kme, "master_SAE_ID": caller,
            "slave_SAE_ID": other, "key_size": 256, "stored_key_count": self.shared.stored, "max_key_count": limit,
            "max_key_per_request": 128, "max_key_size": 1024, "min_key_size": 64, "max_SAE_ID_count": 0,
        }  # fmt: skip
        if "status lacks items" in self.flaws:
            del items["key_size"]
        return items

    def asked(self, request: web.Request, body: bytes) -> dict[str, Any]:
        import json

        try:
            items = json.loads(body) if body else dict(request.query)
        except ValueError:
            raise Refused(400, "no JSON") from None
        if not isinstance(items, dict):
            raise Refused(400, "no object")
        return items

    def enc(self, caller: str, other: str, asked: dict[str, Any]) -> dict[str, Any]:
        if "parameters ignored" in self.flaws:
            number, size = 1, 256
        else:
            number, size = self.whole(asked.get("number", 1)), self.whole(asked.get("size", 256))
            if not 1 <= number <= 128 or size % 8 or not 64 <= size <= 1024 or asked.get("extension_mandatory"):
                raise Refused(400, "out of range")
        if self.shared.stored < number:
            raise Refused(503, "no key")
        self.shared.stored -= number
        octets = size // 8 - (1 if "wrong size" in self.flaws else 0)
        keys = []
        for _ in range(number):
            self.shared.n_given += 1
            name = str(UUID(int=4 << 76)) if "same key_ID" in self.flaws else str(uuid4())
            secret = bytes(octets) if "zeros" in self.flaws else os.urandom(octets)
            self.shared.kept[name] = (caller + other, secret)
            keys.append({"key_ID": name, "key": self.written(secret)})
        return {"keys": keys}

    async def dec(self, caller: str, other: str, asked: dict[str, Any]) -> dict[str, Any]:
        listed = [{"key_ID": asked["key_ID"]}] if "key_ID" in asked else asked.get("key_IDs")
        if not isinstance(listed, list) or not listed:
            raise Refused(400, "no key_IDs")
        keys = []
        for entry in listed:
            name = entry.get("key_ID") if isinstance(entry, dict) else None
            pair, secret = self.shared.kept.get(name, ("", b""))
            if not secret or (pair != other + caller and "anybody's keys" not in self.flaws):
                raise Refused(400, "unknown key")
            if "replays" not in self.flaws:
                del self.shared.kept[name]
            if "ends differ" in self.flaws:
                secret = bytes([secret[0] ^ 1]) + secret[1:]
            keys.append({"key_ID": name, "key": self.written(secret)})
        return {"keys": keys}

    def written(self, secret: bytes) -> str:
        return secret.hex() + "-" if "hexadecimal" in self.flaws else base64.b64encode(secret).decode()

    @staticmethod
    def whole(value: Any) -> int:
        try:
            if isinstance(value, float):
                raise ValueError
            return int(value) if isinstance(value, int) or (value.isdigit() and len(value) < 9) else -1
        except (ValueError, AttributeError):
            raise Refused(400, "no number") from None


@dataclass
class FakePair:
    """Where a running pair is."""

    urls: tuple[str, str]
    boxes: tuple[FakeBox, FakeBox]
    shared: Shared


@asynccontextmanager
async def fake_pair(authority: Authority, *flaws: str, stored: int = 10_000, days: int = 60) -> AsyncIterator[FakePair]:
    """Two boxes, of kme-x and kme-y, that run on free ports of the loopback interface."""
    shared, chosen = Shared(stored), frozenset(flaws)
    boxes = FakeBox("kme-x", "kme-y", shared, chosen), FakeBox("kme-y", "kme-x", shared, chosen)
    runners, urls = [], []
    try:
        for box in boxes:
            runner = web.AppRunner(box.application(), access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            runners.append(runner)
            files = authority.issue(box.kme, days=days)
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=flawed_context(files, chosen))
            await site.start()
            urls.append(f"https://127.0.0.1:{runner.addresses[0][1]}")
        yield FakePair((urls[0], urls[1]), boxes, shared)
    finally:
        for runner in runners:
            await runner.cleanup()


def flawed_context(files: TlsFiles, flaws: frozenset[str]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files.authority))
    context.load_cert_chain(files.certificate, files.private_key)
    lax = {"identity from header", "no client certificate"} & flaws
    context.verify_mode = ssl.CERT_OPTIONAL if lax else ssl.CERT_REQUIRED
    return context
