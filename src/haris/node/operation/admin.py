"""The face for operators: status of the network, alarms and their acknowledgement, accounts, metrics, the audit log.

Over TLS an operator shows a certificate whose ID [admin] operators names. At the Unix socket whoever may open it is an
operator. Prometheus may read /metrics, and nothing else, at an address of the loopback interface.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import msgspec

from haris.manage.accounting import group
from haris.manage.audit import Act
from haris.manage.audit_export import write_export
from haris.node.configuration.operation import AdminTable
from haris.node.http.listener import HttpListener, listen, listen_at_path
from haris.node.http.messages import Request, Response, Routes
from haris.node.life.orders import KeyLife
from haris.node.operation.audit_pages import PATH, write_chains
from haris.node.operation.operation import Operation
from haris.node.pki.mutual_tls import server_context
from haris.node.store.store import Store
from haris.node.supply.routes import Face, refused
from haris.node.supply.server import identifying, vetting
from haris.node.supply.trust import Trust
from haris.node.system.threads import finish_in_thread
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import HarisError, ParameterError, StoreError, Unauthorised
from haris.nouns.ids import require_name
from haris.nouns.times import read_time, write_time
from haris.wire.status import write_status
from haris.wire.usage import write_usages

PAST_ALARMS = 100
AUDIT_PAGE = 1000
DETAIL_CHARACTERS = 200
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Who = Callable[[Request], str]
"""The operator who asks. Raises Unauthorised."""


class _Acknowledgement(msgspec.Struct, forbid_unknown_fields=True):
    operator: str = ""


def named_operator(operators: tuple[str, ...], request: Request) -> str:
    """Who shows a certificate of an operator."""
    if request.caller not in operators:
        raise Unauthorised(f"{request.caller} is no operator of this site")
    return request.caller


def local_operator(request: Request) -> str:
    """Who opens the socket: the one that the body names, or just somebody here."""
    try:
        name = msgspec.json.decode(request.body or b"{}", type=_Acknowledgement).operator
    except msgspec.DecodeError as error:
        raise ParameterError(f"the body names the operator: {error}") from None
    return require_name("operator", name) if name else "local"


def admin_routes(operation: Operation, store: Store, life: KeyLife, who: Who) -> Routes:
    """What operators may ask. who: names the operator of a request, or refuses it."""

    async def purge(request: Request) -> bytes:
        operator = who(request)
        n_keys = await life.purge(request.params["master"], request.params["slave"], operator)
        return msgspec.json.encode({"keys": n_keys})

    async def revoke(request: Request) -> bytes:
        operator = who(request)
        return msgspec.json.encode({"keys": await life.revoke(request.params["site"], operator)})

    async def restore(request: Request) -> bytes:
        await life.restore(request.params["site"], who(request))
        return b"{}"

    async def backup(request: Request) -> bytes:
        return msgspec.json.encode({"path": str(await life.back_up(who(request)))})

    def allowed(answer: Callable[[Request], Awaitable[bytes]]) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            who(request)
            return Response(await answer(request))

        return checked

    async def status(request: Request) -> bytes:
        return write_status(await operation.network())

    async def alarms(request: Request) -> bytes:
        return msgspec.json.encode(await finish_in_thread(store.past_alarms, store.writer, PAST_ALARMS))

    async def acknowledge(request: Request) -> bytes:
        text = request.params["id"]
        if not text.isdecimal() or len(text) > 9:
            raise ParameterError(f"an alarm's id is a number, got {text!r}")
        return msgspec.json.encode(await operation.acknowledge(int(text), who(request)))

    async def read(operator: str, what: str, detail: str) -> None:
        """What tells of customers is read only on record."""
        await finish_in_thread(store.audit, store.writer, time.time_ns(), [Act("read", operator, what, detail)])

    async def accounts(request: Request) -> bytes:
        await read(who(request), "accounts", request.query_text[:DETAIL_CHARACTERS])
        asked = dict(request.query)
        days = (_day(name, asked.get(name)) for name in ("since", "until"))
        since, until = days
        usages = await finish_in_thread(store.usages, since or "", until or "9999-99-99")
        by = asked.get("by", "day,customer,sae,peer,interface,method")
        return write_usages(group(usages, [name for name in by.split(",") if name]))

    async def audit(request: Request) -> Response:
        who(request)
        asked = dict(request.query)
        writer, after = asked.get("writer", store.writer), asked.get("after", "0")
        if not after.isdecimal() or len(after) > 18:
            raise ParameterError(f"after is the number of an entry, got {after!r}")
        lines = await finish_in_thread(_export, store, writer, int(after))
        return Response("\n".join((*lines, "")).encode(), content_type="application/x-ndjson")

    async def chains(request: Request) -> bytes:
        await read(who(request), "audit log", "")
        starts = await finish_in_thread(store.audit_starts)
        return write_chains(starts, await finish_in_thread(store.audit_heads))

    def metrics(request: Request) -> Response:
        who(request)
        return Response(operation.metrics.text(), content_type=METRICS_TYPE)

    return {
        "/haris/v1/status": {"GET": allowed(status)},
        "/haris/v1/alarms": {"GET": allowed(alarms)},
        "/haris/v1/alarms/{id}/acknowledge": {"POST": allowed(acknowledge)},
        "/haris/v1/purge/{master}/{slave}": {"POST": allowed(purge)},
        "/haris/v1/sites/{site}/revoke": {"POST": allowed(revoke)},
        "/haris/v1/sites/{site}/restore": {"POST": allowed(restore)},
        "/haris/v1/backup": {"POST": allowed(backup)},
        "/haris/v1/accounts": {"GET": allowed(accounts)},
        PATH: {"GET": audit},
        f"{PATH}/chains": {"GET": allowed(chains)},
        "/metrics": {"GET": metrics},
    }


async def start_admin(
    table: AdminTable, trust: Trust, operation: Operation, store: Store, life: KeyLife
) -> tuple[HttpListener, ...]:
    """Open what [admin] names. Raises ParameterError for an address that cannot be had."""
    faces: list[HttpListener] = []
    try:
        if table.listen is not None:
            routes = admin_routes(operation, store, life, partial(named_operator, table.operators))
            address = read_endpoint("listen", table.listen)
            handler, context = Face(routes, _report(operation)), server_context(trust.files)
            identify = identifying(trust.identity.saes, trust.identity)
            vet = vetting(trust.revocation)
            faces.append(await listen(handler, refused, context, *address, identify=identify, vet=vet))
        if table.socket is not None:
            routes = admin_routes(operation, store, life, local_operator)
            faces.append(await listen_at_path(Face(routes, _report(operation)), refused, table.socket))
        if table.metrics is not None:
            routes = {"/metrics": admin_routes(operation, store, life, lambda request: "")["/metrics"]}
            address = read_endpoint("metrics", table.metrics)
            faces.append(await listen(Face(routes, _report(operation)), refused, None, *address))
    except OSError as error:
        for face in faces:
            await face.close()
        raise ParameterError(f"[admin] cannot listen: {error}") from None
    return tuple(faces)


def _report(operation: Operation) -> Callable[[HarisError], None]:
    def report(error: HarisError) -> None:
        if isinstance(error, StoreError):
            operation.store_failed(error)

    return report


def _export(store: Store, writer: str, after: int) -> list[str]:
    """One page of a chain: what follows entry `after`. ParameterError when there is no such chain, or entry."""
    start = store.audit_head_at(writer, after)
    if start is None:
        raise ParameterError(f"the audit log has no entry {after} of {writer!r}")

    def parts() -> Iterator[object]:
        yield start
        for entry in store.audit_entries(writer, after):
            if entry.number > after + AUDIT_PAGE:
                return
            yield entry

    return list(write_export(parts()))  # type: ignore[arg-type]


def _day(name: str, text: str | None) -> str | None:
    return None if text is None else write_time(read_time(name, text))[:10]
