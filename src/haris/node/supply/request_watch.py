"""Watches every request of a face: counts it, times it, traces it, and notes who was refused keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from haris.node.http.messages import Request, Response
from haris.node.tally import Tally, reason_of
from haris.nouns.errors import HarisError

if TYPE_CHECKING:
    from haris.node.supply.traces import Traced, Traces

METHODS = frozenset(
    (
        *("status", "enc_keys", "dec_keys", "key", "capabilities", "entropy"),
        *("assign", "void", "lease", "yield", "relay", "topology", "stream"),
    )
)
"""What the last part of a path is counted as; anything else is `other`, so that nobody can make names without end."""


class Denied(Protocol):
    """Told of each refusal on a face that gives keys."""

    def __call__(self, interface: str, method: str, caller: str, peer: str, error: HarisError) -> None:
        """caller: by its certificate, empty when it has none. peer: the SAE that it named."""


def method_of(path: str) -> str:
    """What a request is counted as."""
    last = "key" if path.startswith("/key/") else path.rpartition("/")[2]  # SKIP: /key/{keyId}
    return last if last in METHODS else "other"


def interface_of(path: str) -> str:
    """The interface that a path of the application face belongs to."""
    return "014" if path.startswith("/api/v1/keys/") else "skip"


class RequestWatch:
    """The FaceWatch of one face (supply/routes.py). denied: None for a face that gives no keys."""

    __slots__ = ("_denied", "_durations", "_face", "_traces")

    def __init__(self, face: str, tally: Tally, traces: Traces | None, denied: Denied | None) -> None:
        self._face, self._durations, self._traces, self._denied = face, tally.durations, traces, denied

    def begin(self, request: Request) -> Seen:
        """A request has come. Called in the task that answers it, or where that is done at once."""
        traces = self._traces
        return time.perf_counter(), None if traces is None else self._trace(request, traces)

    def end(self, request: Request, response: Response, seen: Seen) -> None:
        """It is answered."""
        started, traced = seen
        method = method_of(request.path)
        self._durations[self._face, method, response.status].add(time.perf_counter() - started)
        error = request.error
        if traced is not None:
            traced.end(response.status, "" if error is None else reason_of(error))
        if error is not None and self._denied is not None:
            caller, peer = request.connected.identity or "", request.params.get("sae", "")
            self._denied(interface_of(request.path), method, caller, peer, error)

    def _trace(self, request: Request, traces: Traces) -> Traced:
        headers = {} if (parent := request.header("traceparent")) is None else {"traceparent": parent}
        caller = request.connected.identity or ""
        return traces.begin(method_of(request.path), headers, {"haris.face": self._face, "haris.caller": caller})


Seen = tuple[float, "Traced | None"]
"""When a request came, and its span."""
