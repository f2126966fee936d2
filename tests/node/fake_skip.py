"""Key providers of other makers that speak SKIP, as bad as they come: a pair with flaws to choose."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from aiohttp import web
from fake_boxes import flawed_context
from kme_lab import Authority

SYSTEMS = {"KP_X": "KP_Y", "KP_Y": "KP_X"}


class FakeProvider:
    """One end. kept: keys by keyId, shared with the other. flaws: any of the words that are looked for below."""

    def __init__(self, system: str, kept: dict[str, bytes], stored: int, flaws: frozenset[str]) -> None:
        self.system, self.kept, self.stored, self.flaws = system, kept, stored, flaws

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/capabilities", self.capabilities)
        app.router.add_get("/key", self.fresh)
        app.router.add_get("/key/{key_id}", self.known)
        return app

    async def capabilities(self, request: web.Request) -> web.Response:
        remote = [] if "peer not listed" in self.flaws else [SYSTEMS[self.system]]
        items = {"entropy": True, "algorithm": "QKD", "localSystemID": self.system, "remoteSystemID": remote}
        if "items are lacking" not in self.flaws:
            items["key"] = "no keys" not in self.flaws
        if "late clock" in self.flaws:
            return web.json_response(items, headers={"Date": "Fri, 01 Jan 2021 00:00:00 GMT"})
        return web.json_response(items)

    async def fresh(self, request: web.Request) -> web.Response:
        remote, size = request.query.get("remoteSystemID"), request.query.get("size", "256")
        if "parameters ignored" in self.flaws:
            size = "256"
        elif remote != SYSTEMS[self.system] or not size.isdecimal() or int(size) % 8 or not 0 < int(size) < 4096:
            return web.json_response({"message": "wrong"}, status=500 if "fails inside" in self.flaws else 400)
        if self.stored < 1:
            return web.json_response({"message": "dry"}, status=503)
        octets = int(size) // 8 - ("wrong size" in self.flaws)
        key_id = 32 * "4" if "same keyId" in self.flaws else uuid4().hex
        self.kept[key_id] = bytes(octets) if "zeros" in self.flaws else os.urandom(octets)
        return self.written(key_id, self.kept[key_id])

    async def known(self, request: web.Request) -> web.Response:
        key_id = request.match_info["key_id"]
        secret = self.kept.get(key_id)
        if secret is None:
            return web.json_response({"message": "unknown"}, status=404)
        if "replays" not in self.flaws:
            del self.kept[key_id]
        return self.written(key_id, secret[::-1] if "ends differ" in self.flaws else secret)

    def written(self, key_id: str, secret: bytes) -> web.Response:
        text = "0x" + secret.hex() if "not hexadecimal" in self.flaws else secret.hex()
        return web.json_response({"keyId": key_id, "key": text})


@asynccontextmanager
async def fake_providers(authority: Authority, *flaws: str, stored: int = 100) -> AsyncIterator[tuple[str, str]]:
    """URLs of two key providers, of KP_X and KP_Y."""
    kept: dict[str, bytes] = {}
    runners, urls, chosen = [], [], frozenset(flaws)
    try:
        for system in SYSTEMS:
            runner = web.AppRunner(FakeProvider(system, kept, stored, chosen).application(), access_log=None)
            await runner.setup()
            runners.append(runner)
            files = authority.issue(system, days=60)
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=flawed_context(files, chosen))
            await site.start()
            urls.append(f"https://127.0.0.1:{runner.addresses[0][1]}")
        yield urls[0], urls[1]
    finally:
        for runner in runners:
            await runner.cleanup()
