"""The HTTP face of a supply of random numbers: `GET /random`, what SKIP has of entropy, and `GET /status`."""

from __future__ import annotations

from collections.abc import Collection

from haris.keys.skip import MAX_ENTROPY_BITS
from haris.node.entropy.supply import RandomSupply
from haris.node.entropy.supply_toml import ListenerTable
from haris.node.http.listener import HttpListener, listen
from haris.node.http.messages import Request, Response, Routes
from haris.node.pki.mutual_tls import server_context
from haris.node.supply.routes import Face, refused
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import HarisError, ParameterError, Unauthorised
from haris.wire import skip
from haris.wire.randomness import (
    once,
    origin_headers,
    read_random_query,
    wants_source_only,
    write_random,
    write_status,
)


def routes_of(supply: RandomSupply, callers: Collection[str] = ()) -> Routes:
    """The methods. callers: who may ask, by Subject CN; empty: whoever has a certificate of the authority."""

    def admit(request: Request) -> None:
        caller = request.caller
        if callers and caller not in callers:
            raise Unauthorised(f"{caller} is no caller of this supply")

    def random(request: Request) -> Response:
        admit(request)
        wanted = read_random_query(request.query)
        octets, origin = supply.give(wanted.length, wanted.source_only)
        body, content_type = write_random(octets, wanted.format)
        return Response(body, headers=origin_headers(origin, supply.birth), content_type=content_type)

    def entropy(request: Request) -> Response:
        admit(request)
        items = once(request.query, ("minentropy", "origin"))
        bits = skip.read_entropy_query([("minentropy", items["minentropy"])] if "minentropy" in items else [])
        if bits > MAX_ENTROPY_BITS:
            raise ParameterError(f"minentropy shall be at most {MAX_ENTROPY_BITS}")
        octets, origin = supply.give(-(-bits // 8), wants_source_only(items))
        return Response(skip.write_entropy(octets), headers=origin_headers(origin, supply.birth))

    def capabilities(request: Request) -> Response:
        admit(request)
        return Response(skip.write_capabilities(skip.Capabilities(supply.name, (), key=False)))

    def status(request: Request) -> Response:
        admit(request)
        return Response(write_status(supply.status()))

    return {
        "/random": {"GET": random},
        "/capabilities": {"GET": capabilities},
        "/entropy": {"GET": entropy},
        "/status": {"GET": status},
    }


async def serve(supply: RandomSupply, table: ListenerTable) -> HttpListener:
    """Serve a supply over mutual TLS. Raises ParameterError for bad certificates, and when it cannot listen."""
    host, port = read_endpoint("listen", table.listen)
    try:
        return await listen(
            Face(routes_of(supply, table.callers), _quiet), refused, server_context(table.files), host, port
        )
    except OSError as error:
        raise ParameterError(f"[listener] cannot listen on {table.listen}: {error}") from None


def _quiet(error: HarisError) -> None:
    """A caller's error is the caller's; the pipeline tells its own."""
