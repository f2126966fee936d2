"""ETSI GS QKD 004 at one site: the port for its applications, and the verb for the key managers of other sites."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from haris.keys.streams import StreamOwner
from haris.node.supply.etsi004_calls import Calls, Given
from haris.node.supply.etsi004_server import Etsi004Server
from haris.node.supply.request_watch import Denied
from haris.node.supply.server import PeerHandler, RunningKme
from haris.node.supply.streams import KmeStreams
from haris.nouns.endpoint import Endpoint
from haris.nouns.errors import HarisError, KeyUnavailable
from haris.wire.streams import VERB


class Etsi004Face:
    """Streams of one key manager. now_ns: wall clock. report: told of errors that are more than a refusal.

    refused: told of each refusal to an application.
    """

    def __init__(
        self,
        owner: StreamOwner,
        now_ns: Callable[[], int],
        report: Callable[[HarisError], None],
        given: Given = lambda sae, pedigree: None,
        refused: Denied = lambda *told: None,
    ) -> None:
        self._owner, self._now_ns, self._report, self._given, self._refused = owner, now_ns, report, given, refused
        self._streams: KmeStreams | None = None
        self._server: Etsi004Server | None = None

    @property
    def verbs(self) -> dict[str, PeerHandler]:
        """For start_kme of supply/server.py."""

        async def stream(site: str, body: bytes) -> bytes:
            if self._streams is None:
                raise KeyUnavailable("the key manager is about to start")
            return await self._streams.handle(site, body)

        return {VERB: stream}

    @property
    def server(self) -> Etsi004Server | None:
        """Of the port, once it listens."""
        return self._server

    async def start(self, kme: RunningKme, endpoint: Endpoint | None, context: ssl.SSLContext) -> int | None:
        """Answer the other sites, and applications at endpoint; returns the port. Raises OSError.

        Who calls, and whose certificate is revoked, is told as at the key manager's own face for applications.
        """
        self._streams = KmeStreams(self._owner, kme.deliveries, kme.peers, self._now_ns, self._report)
        if endpoint is None:
            return None
        applications = kme.faces[0]
        self._server = Etsi004Server(
            Calls(self._streams, self._given, self._refused), context, applications.identify, applications.vet
        )
        return await self._server.listen(*endpoint)

    async def close(self) -> None:
        """Take no more calls."""
        if self._server is not None:
            await self._server.close()
