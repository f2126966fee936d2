"""What the two HTTP faces of a key manager share: errors to statuses, bounded bodies, the caller's name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from haris.node.kme_tls import subject_common_name
from haris.nouns.errors import (
    HarisError,
    KeyNotFound,
    KeyUnavailable,
    ParameterError,
    PeerError,
    StoreError,
    Unauthorised,
)
from haris.wire.etsi014 import KEYS_NOT_FOUND, Error, write_error

READ_TIMEOUT_S = 10.0
_log = logging.getLogger(__name__)

STATUSES: tuple[tuple[type[HarisError], int, str | None], ...] = (
    (Unauthorised, 401, None),
    (KeyNotFound, 400, KEYS_NOT_FOUND),
    (KeyUnavailable, 503, None),
    (ParameterError, 400, None),
    (PeerError, 400, None),
    (StoreError, 503, "the key store is out of order"),
)
"""Error, status, and the text that stands for the error's own."""


def json_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON body that nobody may cache."""
    return web.Response(
        body=body,
        status=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        content_type="application/json",
    )


def error_middleware(report: Callable[[HarisError], None]) -> Middleware:
    """Every failure as {"message": text}. report: told of each error of ours."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except HarisError as error:
            report(error)
            return refusal(error)
        except web.HTTPException as error:
            headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
            return _refused(error.reason, error.status, headers)
        except TimeoutError:
            return _refused("the request took too long", 408)
        except Exception:
            _log.exception("a request failed")
            return _refused("internal error", 503)

    return answer_errors


def refusal(error: HarisError) -> web.Response:
    """The answer that an error of ours gets."""
    status, text = next((s, t) for kind, s, t in STATUSES if isinstance(error, kind))
    if isinstance(error, StoreError):
        _log.error("%s", error)
    headers = {}
    if status == 503:
        headers["Retry-After"] = str(error.retry_after_s if isinstance(error, KeyUnavailable) else 1)
    return _refused(text or str(error), status, headers)


def caller_name(request: web.Request) -> str:
    """Who calls: the Subject CN of the client's certificate, and nothing that the request says."""
    if request.transport is None:
        raise Unauthorised("the connection is gone")
    return subject_common_name(request.transport.get_extra_info("peercert"))


async def read_body(request: web.Request) -> bytes:
    """The body, within the application's size limit and READ_TIMEOUT_S."""
    async with asyncio.timeout(READ_TIMEOUT_S):
        return await request.read()


def _refused(message: str, status: int, headers: dict[str, str] | None = None) -> web.Response:
    return json_response(write_error(Error(message)), status, headers)
