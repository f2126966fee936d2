"""Requests and responses of HTTP/1.1 as values, and the table that says who answers which path.

A face of the key manager is a table: pattern of the path, then method, then handler. A segment in braces takes whatever
stands there, percent-decoded, and hands it on under its name:

    routes: Routes = {"/api/v1/keys/{sae}/enc_keys": {"GET": enc_keys, "POST": enc_keys}}

A handler takes the request and returns the response, at once, as a promise or as something to await. It may raise:
Face of supply/routes.py, which serves a table, makes HarisError a response. Give a table to start_kme(routes=...) of
supply/server.py, and it stands on the application face; or `await listen(Face(routes, report), refused, context, host,
port)` of http/listener.py for a port of its own, with a context of its own (None: no TLS, and no identity).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from haris.node.system.promise import Promise
from haris.nouns.errors import HarisError, ParameterError, Unauthorised

_MAX_QUERY_FIELDS = 64
_KEPT_PATHS, _KEPT_PATH = 4096, 256
"""Paths that are remembered, and how long they may be: clients choose them."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the other end of a connection proved to be. der: its certificate. chain: it, and those that vouch for it."""

    der: bytes
    chain: tuple[bytes, ...]


@dataclass(slots=True)
class Connected:
    """Who is at the other end of a connection. identity: None where the certificate (or its absence) gives none.

    refusal: why there is none. veto: why its certificate holds no longer, "" while it does.
    """

    certificate: Certificate | None = None
    identity: str | None = None
    refusal: str = "a client certificate is needed"
    veto: str = ""
    address: str = ""


@dataclass(slots=True)
class Request:
    """One request. path: as sent, without its query. query: its text. body: the handler's to wipe when it is secret.

    headers: names in small letters as sent, in their order. params: the segments that the pattern names. error: why it
    was refused.
    """

    method: str
    path: str
    query_text: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytearray = field(repr=False)
    connected: Connected
    params: Mapping[str, str] = field(default_factory=dict)
    error: HarisError | None = None

    @property
    def caller(self) -> str:
        """Who calls, by the certificate alone: nothing that a request says changes it. Raises Unauthorised."""
        identity = self.connected.identity
        if identity is None:
            raise Unauthorised(self.connected.refusal)
        if self.connected.veto:
            raise Unauthorised(self.connected.veto)
        return identity

    @property
    def query(self) -> list[tuple[str, str]]:
        """Decoded pairs of the query, in their order. Raises ParameterError when there are very many."""
        text = self.query_text
        if not text:
            return []
        if "%" in text or "+" in text:
            try:
                return parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
            except ValueError:
                raise ParameterError("the query holds too many fields") from None
        if text.count("&") >= _MAX_QUERY_FIELDS:
            raise ParameterError("the query holds too many fields")
        pairs = [pair.partition("=") for pair in text.split("&")]
        return [(name, value) for name, _, value in pairs if name or value]

    def header(self, name: str) -> str | None:
        """The first header of this name, in small letters; None when there is none."""
        wanted = name.encode()
        return next((value.decode("latin-1") for found, value in self.headers if found == wanted), None)


@dataclass(slots=True)
class Response:
    """One answer. body: a bytearray is wiped as soon as it is on its way. headers: beyond those of every answer."""

    body: bytes | bytearray = field(repr=False, default=b"")
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


Answer = Response | Promise[Response] | Awaitable[Response]
Handler = Callable[[Request], Answer]
Routes = Mapping[str, Mapping[str, Handler]]


@dataclass(frozen=True, slots=True)
class Match:
    """Where a path leads."""

    handlers: Mapping[str, Handler]
    params: Mapping[str, str]


class RouteTable:
    """Finds the handlers of a path: by the number of its segments, then with the named ones left out."""

    def __init__(self, routes: Routes) -> None:
        """Raises ParameterError for a pattern that does not begin with a slash."""
        self._places: dict[int, list[tuple[tuple[int, ...], dict[tuple[str, ...], _Route]]]] = {}
        for pattern, handlers in routes.items():
            if not pattern.startswith("/"):
                raise ParameterError(f"a route begins with a slash: {pattern!r}")
            self._add(pattern.split("/")[1:], handlers)
        self._known: dict[str, Match | None] = {}

    def find(self, path: str) -> Match | None:
        """The handlers of a path as sent; None when no pattern fits."""
        known = self._known
        if path in known:
            return known[path]
        match = self._find(path)
        if len(path) <= _KEPT_PATH:
            if len(known) >= _KEPT_PATHS:
                known.clear()
            known[path] = match
        return match

    def _add(self, segments: list[str], handlers: Mapping[str, Handler]) -> None:
        named = tuple(i for i, segment in enumerate(segments) if segment.startswith("{"))
        shapes = self._places.setdefault(len(segments), [])
        table = next((table for places, table in shapes if places == named), None)
        if table is None:
            table = {}
            shapes.append((named, table))
            shapes.sort(key=lambda shape: len(shape[0]))  # a literal segment wins over a named one
        names = tuple(segments[i].strip("{}") for i in named)
        table[_without(segments, named)] = _Route(names, handlers)

    def _find(self, path: str) -> Match | None:
        segments = path.split("/")[1:]
        for places, table in self._places.get(len(segments), ()):
            route = table.get(_without(segments, places))
            if route is not None:
                values = (unquote(segments[i]) for i in places)
                return Match(route.handlers, dict(zip(route.names, values, strict=True)))
        return None


@dataclass(frozen=True, slots=True)
class _Route:
    names: tuple[str, ...]
    handlers: Mapping[str, Handler]


def _without(segments: Sequence[str], places: tuple[int, ...]) -> tuple[str, ...]:
    return tuple("" if i in places else segment for i, segment in enumerate(segments))


def split_target(target: bytes) -> tuple[str, str]:
    """Path and query of a request's target, in origin form or absolute form (RFC 9112, 3.2)."""
    text = target.decode("latin-1")
    if not text.startswith("/"):
        parts = urlsplit(text)
        return parts.path or "/", parts.query
    path, _, query = text.partition("?")
    return path, query
