"""What the faces of a key manager share: a table of routes that answers requests, and errors as {"message": text}."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from functools import partial
from typing import Any, Protocol

from haris.node.http.messages import Answer, Request, Response, Routes, RouteTable
from haris.node.system.promise import Promise
from haris.nouns.errors import (
    HarisError,
    KeyNotFound,
    KeyUnavailable,
    NoRandomness,
    ParameterError,
    PeerError,
    StoreError,
    Unauthorised,
)
from haris.wire.etsi014 import KEYS_NOT_FOUND, Error, write_error

_log = logging.getLogger(__name__)

Report = Callable[[HarisError], None]
"""Told of each error of ours."""

STATUSES: tuple[tuple[type[HarisError], int, str | None], ...] = (
    (Unauthorised, 401, None),
    (KeyNotFound, 400, KEYS_NOT_FOUND),
    (KeyUnavailable, 503, None),
    (ParameterError, 400, None),
    (PeerError, 400, None),
    (NoRandomness, 503, None),
    (StoreError, 503, "the key store is out of order"),
)
"""Error, status, and the text that stands for the error's own."""


class FaceWatch(Protocol):
    """Sees what a face is asked and answers."""

    def begin(self, request: Request) -> Any:
        """A request has come; returns what `end` is to be given."""

    def end(self, request: Request, response: Response, seen: Any) -> None:
        """It is answered. request.error: why it was refused."""


class Face:
    """A table of routes as the handler of a listener. It raises nothing: every failure is a response."""

    def __init__(self, routes: Routes, report: Report, watch: FaceWatch | None = None) -> None:
        """watch: sees every request and its answer; None: nobody does."""
        self._table, self._report, self._watch = RouteTable(routes), report, watch

    def __call__(self, request: Request) -> Response | Promise[Response] | asyncio.Future[Response]:
        """Answer one request: 404 for no route, 405 with Allow for another method, else what its handler says."""
        return copy_context().run(self._answered, request)  # the watch may note the request's trace in it

    def _answered(self, request: Request) -> Response | Promise[Response] | asyncio.Future[Response]:
        seen = None if self._watch is None else self._watch.begin(request)
        answer = self._begun(request)
        if isinstance(answer, Promise):
            return answer.rescued(partial(self._failed, request)).then(partial(self._ended, request, seen))
        if isinstance(answer, Response):
            return self._ended(request, seen, answer)
        return asyncio.get_running_loop().create_task(self._awaited(request, seen, answer))

    def _ended(self, request: Request, seen: Any, response: Response) -> Response:
        if self._watch is not None:
            self._watch.end(request, response, seen)
        return response

    def _begun(self, request: Request) -> Answer:
        match = self._table.find(request.path)
        if match is None:
            return refused(404, "Not Found")
        handler = match.handlers.get(request.method)
        if handler is None:
            return refused(405, "Method Not Allowed", (("Allow", ",".join(sorted(match.handlers))),))
        request.params = match.params
        try:
            return handler(request)
        except Exception as error:
            return self._failed(request, error)

    async def _awaited(self, request: Request, seen: Any, answer: Awaitable[Response]) -> Response:
        try:
            response = await answer
        except Exception as error:
            response = self._failed(request, error)
        return self._ended(request, seen, response)

    def _failed(self, request: Request, error: Exception) -> Response:
        if isinstance(error, HarisError):
            request.error = error
            self._report(error)
            return refusal(error)
        if isinstance(error, TimeoutError):
            return refused(408, "the request took too long")
        _log.error("a request failed", exc_info=error)
        return refused(503, "internal error")


def refusal(error: HarisError) -> Response:
    """The answer that an error of ours gets."""
    status, text = next((s, t) for kind, s, t in STATUSES if isinstance(error, kind))
    if isinstance(error, StoreError):
        _log.error("%s", error)
    headers: tuple[tuple[str, str], ...] = ()
    if status == 503:
        headers = (("Retry-After", str(error.retry_after_s if isinstance(error, KeyUnavailable) else 1)),)
    return refused(status, text or str(error), headers)


def refused(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Any answer that is not 200."""
    return Response(write_error(Error(message)), status, headers)
