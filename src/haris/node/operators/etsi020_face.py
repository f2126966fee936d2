"""The face of a gateway for the key managers of other operators: ETSI GS QKD 020 V1.1.1 over mutual TLS 1.3."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping

from haris.keys.foreign import Operator
from haris.node.http.limits import HttpLimits
from haris.node.http.listener import HttpListener, Vet, identity_of, listen
from haris.node.http.messages import Certificate, Request, Response
from haris.node.operators.interworking import Gateway
from haris.node.pki.mutual_tls import TlsFiles, server_context
from haris.node.supply.request_watch import Denied
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, StoreError, Unauthorised
from haris.wire import etsi020
from haris.wire.etsi020 import AckContainer
from haris.wire.etsi020_problem import Problem, ProblemType, invalid, write_problem

_LIMITS = HttpLimits(body_octets=8 * 1024 * 1024)
_log = logging.getLogger(__name__)

Method = Callable[[Operator, bytes], Awaitable[Response]]
Report = Callable[[HarisError], None]


class Etsi020Face:
    """The four methods as the handler of a listener. It raises nothing: every failure is a problem."""

    def __init__(
        self, gateway: Gateway, report: Report = lambda error: None, denied: Denied = lambda *told: None
    ) -> None:
        self._gateway, self._report, self._denied = gateway, report, denied
        self._methods: Mapping[str, tuple[str, Method]] = {
            etsi020.VERSIONS_PATH: ("GET", self._versions),
            etsi020.EXT_KEYS_PATH: ("POST", self._ext_keys),
            etsi020.ACK_PATH: ("POST", self._ack),
            etsi020.VOID_PATH: ("POST", self._void),
        }

    async def __call__(self, request: Request) -> Response:
        """Answer one request. Who calls is settled before anything that it says is looked at."""
        try:
            operator = self._gateway.interworking.operator(request.caller)
            if request.path not in self._methods:
                return refused(404, f"no method {request.path}")
            method, handler = self._methods[request.path]
            if request.method != method:
                return refused(405, f"the method of {request.path} is {method}", (("Allow", method),))
            if method == "POST":
                etsi020.require_content_type(request.header("content-type"))
            return await handler(operator, _taken(request.body))
        except HarisError as error:
            self._report(error)
            method = request.path.rpartition("/")[2] if request.path in self._methods else "other"
            self._denied("020", method, request.connected.identity or "", "", _denial(error))
            return _response(_problem(error))
        except Exception as error:
            _log.error("a request of another operator failed", exc_info=error)
            return _response(Problem(ProblemType.SERVER_SIDE_GENERAL_ERROR))

    async def _versions(self, operator: Operator, body: bytes) -> Response:
        return _json(etsi020.write_versions(self._gateway.versions()))

    async def _ext_keys(self, operator: Operator, body: bytes) -> Response:
        return _acked(await self._gateway.ext_keys(operator, etsi020.read_ext_keys(body)))

    async def _void(self, operator: Operator, body: bytes) -> Response:
        return _acked(await self._gateway.void(operator, etsi020.read_void(body)))

    async def _ack(self, operator: Operator, body: bytes) -> Response:
        await self._gateway.ack(operator, etsi020.read_acks(body))
        return _json(b"")


def refused(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """The answer for a broken rule of HTTP, which the standard has no problem type for."""
    if status == 408:
        return _response(Problem(ProblemType.TIMEOUT, {"timeout": text}))
    problem = Problem(ProblemType.INVALID_PARAMETER, {"invalid_parameter": text}, status)
    if status >= 500:
        problem = Problem(ProblemType.SERVER_SIDE_GENERAL_ERROR, {"server_side_general_error": text}, status)
    return _response(problem, headers)


def interworking_server_context(tls: TlsFiles) -> ssl.SSLContext:
    """TLS 1.3 or newer, client certificate required."""
    context = server_context(tls)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


async def listen_to_operators(
    gateway: Gateway,
    tls: TlsFiles,
    host: str,
    port: int,
    report: Report = lambda error: None,
    identify: Callable[[Certificate | None], str] = identity_of,
    vet: Vet | None = None,
    denied: Denied = lambda *told: None,
) -> HttpListener:
    """Serve the face on a port; 0: any free one. Raises ParameterError for certificates, OSError for the port."""
    face, context = Etsi020Face(gateway, report, denied), interworking_server_context(tls)
    return await listen(face, refused, context, host, port, _LIMITS, identify, vet)


def _problem(error: HarisError) -> Problem:
    """The one table from our errors to problems."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unauthorised):
        return Problem(ProblemType.UNAUTHORIZED, {"unauthorized": str(error)})
    if isinstance(error, StoreError):
        _log.error("%s", error)
        text = "the key store is out of order"
        return Problem(ProblemType.SERVER_SIDE_GENERAL_ERROR, {"server_side_general_error": text})
    if isinstance(error, KeyUnavailable):
        return Problem(ProblemType.INSUFFICIENT_KEY_MATERIAL, {"insufficient_key_material": str(error)})
    return invalid(str(error))


def _denial(error: HarisError) -> HarisError:
    """A refusal as every face tells it, whose kind the log names in a word."""
    if not isinstance(error, Problem):
        return error
    kinds: dict[int, type[HarisError]] = {401: Unauthorised, 503: KeyUnavailable, 408: KeyUnavailable}
    return kinds.get(error.status, ParameterError)(str(error))


def _taken(body: bytearray) -> bytes:
    """A body that may hold keys, wiped where it lay."""
    octets = bytes(body)
    body[:] = bytes(len(body))
    return octets


def _response(problem: Problem, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    if problem.status == 503:
        headers = (*headers, ("Retry-After", "1"))
    return _json(write_problem(problem), problem.status, headers)


def _acked(containers: tuple[AckContainer, ...] | None) -> Response:
    return _json(b"", 202) if containers is None else _json(etsi020.write_acks(containers))


def _json(body: bytes, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(body, status, headers, etsi020.CONTENT_TYPE)
