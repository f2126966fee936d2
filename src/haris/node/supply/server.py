"""The key manager's server: one face for applications (ETSI GS QKD 014), one for the key managers of other sites."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from haris.keys import etsi014 as methods
from haris.keys.policy import Rule
from haris.keys.supply import EmulatedKeyRefused, EpsilonUnmet, Order, Supply
from haris.node.http.limits import HttpLimits
from haris.node.http.listener import HttpListener, listen
from haris.node.http.messages import Certificate, Request, Response, Routes
from haris.node.pki.identity import Field, IdentityTable, identity_of
from haris.node.pki.mutual_tls import TlsFiles, server_context
from haris.node.pki.revocation import Revocation
from haris.node.supply.delivery import Deliveries
from haris.node.supply.desk import Keys
from haris.node.supply.peers import KmePeers
from haris.node.supply.routes import Face, FaceWatch, Report, refused
from haris.node.system.promise import Promise
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import HarisError, PeerError, StoreError
from haris.nouns.key_batch import KeyBatch
from haris.wire import etsi014, kme, versions
from haris.wire.key_batch import write_key_batches

Delivered = Callable[[str, str, str, Sequence[KeyBatch]], None]
"""Told of every delivery: (method, SAE ID, SAE ID of the other end, what it gets, its secrets wiped)."""

Watch = Callable[[str], FaceWatch | None]
"""Who watches a face (`applications`, `peers`)."""

PeerHandler = Callable[[str, bytes], Awaitable[bytes]]
"""Answers a verb: (site of the caller, body) -> body of the answer. Raises HarisError."""

_MAX_KNOWN = 4096
_APPLICATION_LIMITS = HttpLimits(body_octets=64 * 1024)
_PEER_LIMITS = HttpLimits(body_octets=16 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class KmeConfig:
    """Where a key manager listens and whom it knows. Port 0: any free one.

    tls, peer_tls: the certificate for applications, and the one that bears this KME's ID.
    peers: https://host:port of the peer face at each other site. void_retry_s: how often owed voids are tried.
    identity: which field of a certificate names its holder. revocation: who knows whether it has been revoked.
    """

    host: str
    port: int
    peer_host: str
    peer_port: int
    tls: TlsFiles
    peer_tls: TlsFiles
    peers: Mapping[str, str | Sequence[str]]
    void_retry_s: float = 1.0
    identity: IdentityTable = field(default_factory=IdentityTable)
    revocation: Revocation | None = None


@dataclass(frozen=True, slots=True)
class RunningKme:
    """A key manager at work. port, peer_port: where it listens. peers: for other engines to ask through."""

    port: int
    peer_port: int
    peers: KmePeers
    deliveries: Deliveries
    faces: tuple[HttpListener, ...]

    def renew_tls(self, config: KmeConfig) -> None:
        """Read the files of TLS anew, for connections to come. ParameterError, with all as before, for a bad one."""
        contexts = server_context(config.tls), server_context(config.peer_tls)
        if config.revocation is not None:
            config.revocation.load()
        self.peers.renew(config.peer_tls)
        for face, context in zip(self.faces, contexts, strict=True):
            face.context = context

    async def vet_again(self) -> int:
        """Drop every connection whose certificate has been revoked; returns how many."""
        return sum([await face.vet_again() for face in self.faces])

    async def close(self) -> None:
        """Take no more requests, end the deliveries that run, close every connection."""
        for face in self.faces:
            await face.close()
        await self.deliveries.close()
        await self.peers.close()


async def start_kme(
    config: KmeConfig,
    supply: Supply,
    peer_handlers: Mapping[str, PeerHandler] | None = None,
    file_alarm: Callable[[Alarm], None] = lambda alarm: None,
    delivered: Delivered = lambda method, sae, peer, batches: None,
    routes: Routes | None = None,
    watch: Watch = lambda face: None,
) -> RunningKme:
    """Settle what a crash left, then serve both faces.

    peer_handlers: further verbs of the peer face. routes: further routes of the application face.
    watch: who watches a face.
    Raises ParameterError for certificates, OSError for ports.
    """
    contexts = server_context(config.tls), server_context(config.peer_tls)
    peers = KmePeers(supply.directory, config.peer_tls, config.peers, config.identity, config.revocation)
    deliveries = Deliveries(supply, peers, config.void_retry_s)
    report = reporter(file_alarm)
    verbs = {**_key_handlers(supply, deliveries), **(peer_handlers or {})}
    own_routes = {**application_routes(supply, deliveries, delivered), **(routes or {})}
    applications = Face(own_routes, report, watch("applications"))
    others = Face(_peer_routes(supply, verbs), report, watch("peers"))
    faces: list[HttpListener] = []
    try:
        await deliveries.start()  # before anybody can ask: recovery voids what is announced and not delivered
        vet = vetting(config.revocation)
        for handler, context, host, port, limits, who in (
            (applications, contexts[0], config.host, config.port, _APPLICATION_LIMITS, config.identity.saes),
            (others, contexts[1], config.peer_host, config.peer_port, _PEER_LIMITS, config.identity.kmes),
        ):
            identify = identifying(who, config.identity)
            faces.append(await listen(handler, refused, context, host, port, limits, identify, vet))
    except BaseException:
        await RunningKme(0, 0, peers, deliveries, tuple(faces)).close()
        raise
    return RunningKme(faces[0].port, faces[1].port, peers, deliveries, tuple(faces))


class PlainOrders:
    """What GET requests for keys ask for. Applications send the same ones over and over: those read last are kept.

    A kept order holds for the rule that governed its pair; whether the pair may share keys is asked for each anew.
    """

    def __init__(self, supply: Supply) -> None:
        self._supply = supply
        self._known: dict[tuple[str, str, str], tuple[Rule, Order]] = {}

    def order(self, request: Request) -> Order:
        """The order of a request. Raises Unauthorised and ParameterError."""
        caller, slave = request.caller, request.params["sae"]
        name = (caller, slave, request.query_text)
        known = self._known.get(name)
        if known is not None and known[0] is self._supply.admission.rule(caller, slave):
            return known[1]
        asked = etsi014.read_key_request_query(request.query)
        order = methods.order(self._supply, caller, slave, asked)
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[name] = self._supply.admission.rule(caller, slave), order
        return order


def application_routes(supply: Supply, deliveries: Deliveries, delivered: Delivered) -> Routes:
    """The three methods of ETSI GS QKD 014 V1.1.1, clause 5."""

    async def status(request: Request) -> Response:
        caller, slave = request.caller, request.params["sae"]
        found = await deliveries.blocking(lambda: methods.status(supply, caller, slave))
        return Response(etsi014.write_status(found))

    plain = PlainOrders(supply)

    def enc_keys(request: Request) -> Promise[Response]:
        hand_over = partial(handed_over, "enc_keys", request)
        if request.method == "GET":
            return deliveries.ordered(plain.order(request)).then(hand_over)
        asked = etsi014.read_key_request(request.body)
        order = methods.order(supply, request.caller, request.params["sae"], asked)

        def unmet(error: Exception) -> Keys:
            raise methods.unmet(asked) if isinstance(error, EpsilonUnmet) else error

        return deliveries.ordered(order).rescued(unmet).then(hand_over)

    def dec_keys(request: Request) -> Promise[Response]:
        caller, master = request.caller, request.params["sae"]
        if request.method == "GET":
            asked = etsi014.read_key_ids_query(request.query)
        else:
            asked = etsi014.read_key_ids(request.body)
        found = deliveries.fetched(methods.fetch(supply, caller, master, asked))
        return found.then(partial(handed_over, "dec_keys", request))

    def handed_over(method: str, request: Request, batches: Sequence[KeyBatch]) -> Response:
        container = write_key_batches(batches)
        for batch in batches:
            batch.wipe()
        delivered(method, request.caller, request.params["sae"], batches)
        return Response(container)

    sae = "/api/v1/keys/{sae}"
    return {
        f"{sae}/status": {"GET": status},
        f"{sae}/enc_keys": {"GET": enc_keys, "POST": enc_keys},
        f"{sae}/dec_keys": {"GET": dec_keys, "POST": dec_keys},
    }


def _peer_routes(supply: Supply, handlers: Mapping[str, PeerHandler]) -> Routes:
    async def answer(request: Request) -> Response:
        site = supply.directory.require_peer(request.caller)
        supply.trusted(site)
        handler = handlers.get(request.params["verb"])
        if handler is None:
            raise PeerError(f"no verb {request.params['verb']!r}")
        return Response(await handler(site, bytes(request.body)))

    async def speaks(request: Request) -> Response:
        supply.directory.require_peer(request.caller)
        return Response(versions.write(versions.ours()))

    spoken = {kme.path("{verb}", version): {"POST": answer} for version in kme.VERSIONS}
    return {versions.PATH: {"GET": speaks}, **spoken}


def _key_handlers(supply: Supply, deliveries: Deliveries) -> dict[str, PeerHandler]:
    async def assign(site: str, body: bytes) -> bytes:
        await deliveries.blocking(lambda: supply.accept(site, kme.read_assign(body)))
        return b"{}"

    async def void(site: str, body: bytes) -> bytes:
        return kme.write_voided(await deliveries.blocking(lambda: supply.void(site, kme.read_void(body))))

    async def lease(site: str, body: bytes) -> bytes:
        await deliveries.blocking(lambda: supply.admit_leases(site, kme.read_leases(body)))
        return b"{}"

    async def give_back(site: str, body: bytes) -> bytes:
        yielded = await deliveries.blocking(lambda: supply.store.yield_leases(site, kme.read_leases(body)))
        return kme.write_leases(yielded)

    async def burn(site: str, body: bytes) -> bytes:
        await deliveries.blocking(lambda: supply.store.burn_runs(site, kme.read_burn(body)))
        return b"{}"

    async def purge(site: str, body: bytes) -> bytes:
        await deliveries.blocking(lambda: supply.purge(site, kme.read_purge(body)))
        return b"{}"

    verbs = {kme.ASSIGN: assign, kme.VOID: void, kme.LEASE: lease, kme.YIELD: give_back}
    return {**verbs, kme.BURN: burn, kme.PURGE: purge}


def identifying(who: Field, table: IdentityTable) -> Callable[[Certificate | None], str]:
    """Who a client of a port is, by this field of its certificate."""
    return lambda certificate: identity_of(None if certificate is None else certificate.der, who, table)


def vetting(revocation: Revocation | None) -> Callable[[Certificate], Awaitable[None]] | None:
    """What a port asks about each certificate; None: nothing."""
    return None if revocation is None else lambda certificate: revocation.vet(certificate.chain)


def reporter(file_alarm: Callable[[Alarm], None]) -> Report:
    """Makes alarms of the errors that an operator should know."""

    def report(error: HarisError) -> None:
        if isinstance(error, EmulatedKeyRefused):
            file_alarm(error.alarm)
        elif isinstance(error, StoreError):
            file_alarm(Alarm(Severity.MAJOR, "store", str(error), AlarmKind.STORE))

    return report
