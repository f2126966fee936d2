"""Key managers of kme_lab that serve ETSI GS QKD 004, too."""

import os
import ssl
import time
from contextlib import asynccontextmanager

from kme_lab import Lab, Site

from haris.keys.stream_terms import StreamLimits
from haris.keys.streams import StreamOwner
from haris.node.pki.mutual_tls import server_context
from haris.node.supply.etsi004_calls import Calls
from haris.node.supply.etsi004_client import Etsi004Client
from haris.node.supply.etsi004_server import Etsi004Server
from haris.node.supply.streams import KmeStreams
from haris.node.tally import reason_of
from haris.wire.etsi004 import FIXED
from haris.wire.streams import VERB


class StreamLab(Lab):
    def __init__(self, folder, limits: StreamLimits | None = None) -> None:
        super().__init__(folder)
        self.limits = limits or StreamLimits()
        self.streams: dict[str, KmeStreams] = {}
        self.servers: dict[str, Etsi004Server] = {}
        self.ports: dict[str, int] = {}
        self.refused: list[tuple[str, str, str, str, str]] = []  # interface, method, caller, peer, reason
        self.clock_s = 0  # added to the clocks of streams

    def handlers(self, site):
        async def stream(caller, body):
            return await self.streams[site].handle(caller, body)

        return {VERB: stream}

    async def start(self, site: str, laboratory: bool = False) -> Site:
        running = await super().start(site, laboratory)
        owner = StreamOwner(running.supply, running.store, os.urandom, self.limits)
        errors = running.alarms
        now_ns = lambda: time.time_ns() + self.clock_s * 10**9  # noqa: E731
        self.streams[site] = KmeStreams(owner, running.kme.deliveries, running.kme.peers, now_ns, errors.append)
        self.servers[site] = Etsi004Server(self.calls(site), server_context(self.files[f"kme-{site}"]))
        self.ports[site] = await self.servers[site].listen("127.0.0.1", 0)
        return running

    def calls(self, site: str) -> Calls:
        return Calls(self.streams[site], refused=lambda *told: self.refused.append((*told[:4], reason_of(told[4]))))

    async def stop(self, site: str) -> None:
        await self.servers.pop(site).close()
        await super().stop(site)

    def context(self, sae: str):
        files = self.files[sae]
        context = ssl.create_default_context(cafile=files.authority)
        context.load_cert_chain(files.certificate, files.private_key)
        return context

    @asynccontextmanager
    async def client(self, sae: str, site: str, framing=FIXED):
        async with Etsi004Client(("127.0.0.1", self.ports[site]), self.context(sae), framing) as kme:
            yield kme
