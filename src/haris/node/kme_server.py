"""The key manager's server: one face for applications (ETSI GS QKD 014), one for the key managers of other sites."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ssl import SSLContext

from aiohttp import web

from haris.keys import etsi014 as methods
from haris.keys.supply import EmulatedKeyRefused, Supply
from haris.node.kme_delivery import Deliveries
from haris.node.kme_http import caller_name, error_middleware, json_response, read_body
from haris.node.kme_peers import KmePeers
from haris.node.kme_tls import TlsFiles, server_context
from haris.nouns.alarms import Alarm, Severity
from haris.nouns.errors import HarisError, PeerError, StoreError
from haris.wire import etsi014, kme

Delivered = Callable[[str, str, etsi014.KeyContainer], None]
"""Told of every delivery: (method, SAE ID, what it gets)."""

PeerHandler = Callable[[str, bytes], Awaitable[bytes]]
"""Answers a verb: (site of the caller, body) -> body of the answer. Raises HarisError."""

_MAX_REQUEST_OCTETS = 64 * 1024
_MAX_PEER_OCTETS = 16 * 1024 * 1024
_HANDSHAKE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class KmeConfig:
    """Where a key manager listens and whom it knows. Port 0: any free one.

    tls, peer_tls: the certificate for applications, and the one whose CN is this KME's ID.
    peers: https://host:port of the peer face at each other site. void_retry_s: how often owed voids are tried.
    """

    host: str
    port: int
    peer_host: str
    peer_port: int
    tls: TlsFiles
    peer_tls: TlsFiles
    peers: Mapping[str, str]
    void_retry_s: float = 1.0


@dataclass(frozen=True, slots=True)
class RunningKme:
    """A key manager at work. port, peer_port: where it listens. peers: for other engines to ask through."""

    port: int
    peer_port: int
    peers: KmePeers
    deliveries: Deliveries
    faces: tuple[_Face, ...]

    async def close(self) -> None:
        """Take no more requests, end the deliveries that run, close every connection."""
        for face in self.faces:
            face.server.close()
        await self.deliveries.close()
        for face in self.faces:
            await face.runner.cleanup()
        await self.peers.close()


@dataclass(frozen=True, slots=True)
class _Face:
    server: asyncio.Server
    runner: web.AppRunner

    @property
    def port(self) -> int:
        return int(self.server.sockets[0].getsockname()[1])


async def start_kme(
    config: KmeConfig,
    supply: Supply,
    peer_handlers: Mapping[str, PeerHandler] | None = None,
    file_alarm: Callable[[Alarm], None] = lambda alarm: None,
    delivered: Delivered = lambda method, sae, container: None,
) -> RunningKme:
    """Settle what a crash left, then serve both faces.

    peer_handlers: further verbs of the peer face. Raises ParameterError for certificates, OSError for ports.
    """
    contexts = server_context(config.tls), server_context(config.peer_tls)
    peers = KmePeers(supply.directory, config.peer_tls, config.peers)
    deliveries = Deliveries(supply, peers, config.void_retry_s)
    report = _reporter(file_alarm)
    applications = _application_face(supply, deliveries, report, delivered)
    others = _peer_face(supply, {**_key_handlers(supply, deliveries), **(peer_handlers or {})}, report)
    faces: list[_Face] = []
    try:
        await deliveries.start()  # before anybody can ask: recovery voids what is announced and not delivered
        faces.append(await _listen(applications, contexts[0], config.host, config.port))
        faces.append(await _listen(others, contexts[1], config.peer_host, config.peer_port))
    except BaseException:
        await RunningKme(0, 0, peers, deliveries, tuple(faces)).close()
        raise
    return RunningKme(faces[0].port, faces[1].port, peers, deliveries, tuple(faces))


async def _listen(application: web.Application, context: SSLContext, host: str, port: int) -> _Face:
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    assert runner.server is not None
    try:
        server = await asyncio.get_running_loop().create_server(
            runner.server, host, port, ssl=context, ssl_handshake_timeout=_HANDSHAKE_TIMEOUT_S, backlog=256
        )
    except BaseException:
        await runner.cleanup()
        raise
    return _Face(server, runner)


def _application_face(
    supply: Supply, deliveries: Deliveries, report: Callable[[HarisError], None], delivered: Delivered
) -> web.Application:
    """The three methods of ETSI GS QKD 014 V1.1.1, clause 5."""

    async def status(request: web.Request) -> web.Response:
        caller, slave = caller_name(request), request.match_info["sae"]
        found = await deliveries.blocking(lambda: methods.status(supply, caller, slave))
        return json_response(etsi014.write_status(found))

    async def enc_keys(request: web.Request) -> web.Response:
        caller, slave = caller_name(request), request.match_info["sae"]
        if request.method == "GET":
            asked = etsi014.read_key_request_query(list(request.query.items()))
        else:
            asked = etsi014.read_key_request(await read_body(request))
        found = await deliveries.deliver(methods.enc_keys(supply, caller, slave, asked))
        delivered("enc_keys", caller, found)
        return json_response(etsi014.write_key_container(found))

    async def dec_keys(request: web.Request) -> web.Response:
        caller, master = caller_name(request), request.match_info["sae"]
        if request.method == "GET":
            asked = etsi014.read_key_ids_query(list(request.query.items()))
        else:
            asked = etsi014.read_key_ids(await read_body(request))
        found = await deliveries.blocking(lambda: methods.dec_keys(supply, caller, master, asked))
        delivered("dec_keys", caller, found)
        return json_response(etsi014.write_key_container(found))

    application = web.Application(client_max_size=_MAX_REQUEST_OCTETS, middlewares=[error_middleware(report)])
    sae = "/api/v1/keys/{sae:[^/]*}"
    application.router.add_get(f"{sae}/status", status, allow_head=False)
    for name, handler in (("enc_keys", enc_keys), ("dec_keys", dec_keys)):
        application.router.add_get(f"{sae}/{name}", handler, allow_head=False)
        application.router.add_post(f"{sae}/{name}", handler)
    return application


def _peer_face(
    supply: Supply, handlers: Mapping[str, PeerHandler], report: Callable[[HarisError], None]
) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        site = supply.directory.require_peer(caller_name(request))
        handler = handlers.get(request.match_info["verb"])
        if handler is None:
            raise PeerError(f"no verb {request.match_info['verb']!r}")
        return json_response(await handler(site, await read_body(request)))

    application = web.Application(client_max_size=_MAX_PEER_OCTETS, middlewares=[error_middleware(report)])
    application.router.add_post(kme.path("{verb}"), answer)
    return application


def _key_handlers(supply: Supply, deliveries: Deliveries) -> dict[str, PeerHandler]:
    async def assign(site: str, body: bytes) -> bytes:
        await deliveries.blocking(lambda: supply.accept(site, kme.read_assign(body)))
        return b"{}"

    async def void(site: str, body: bytes) -> bytes:
        await deliveries.blocking(lambda: supply.void(site, kme.read_void(body)))
        return b"{}"

    return {kme.ASSIGN: assign, kme.VOID: void}


def _reporter(file_alarm: Callable[[Alarm], None]) -> Callable[[HarisError], None]:
    def report(error: HarisError) -> None:
        if isinstance(error, EmulatedKeyRefused):
            file_alarm(error.alarm)
        elif isinstance(error, StoreError):
            file_alarm(Alarm(Severity.MAJOR, "store", str(error)))

    return report
