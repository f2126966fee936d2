"""The errors of ETSI GS QKD 020 V1.1.1: problem details (RFC 9457) with a `details` object of texts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from haris.nouns.errors import HarisError, PeerError

PREFIX = "https://qkd.etsi.org/gs020-interop-kms/"
_MAX_STATUS = 599


class ProblemType(StrEnum):
    """The problem types of the standard, without their common prefix."""

    MISSING_PARAMETERS = "missing-parameters"
    INVALID_PARAMETER = "invalid-parameter"
    KEY_ROUTING_ERROR = "key-routing-error"
    VOID_REQUEST_NOT_UNDERSTOOD = "void-request-not-understood"
    NO_KEY_IDS_OR_CONFIRMATION = "no-key-ids-or-confirmation"
    ACK_NOT_UNDERSTOOD = "ack-not-understood"
    KEY_NOT_PRESENT = "key-not-present"
    UNAUTHORIZED = "unauthorized"
    TIMEOUT = "timeout"
    SERVER_SIDE_GENERAL_ERROR = "server-side-general-error"
    INSUFFICIENT_KEY_MATERIAL = "insufficient-key-material"
    UNSUPPORTED_MANDATORY_EXTENSION = "unsupported-mandatory-extension"


STATUSES: Mapping[ProblemType, int] = {
    **dict.fromkeys(ProblemType, 400),
    ProblemType.UNAUTHORIZED: 401,
    ProblemType.TIMEOUT: 408,
    ProblemType.SERVER_SIDE_GENERAL_ERROR: 503,
    ProblemType.INSUFFICIENT_KEY_MATERIAL: 503,
    ProblemType.UNSUPPORTED_MANDATORY_EXTENSION: 503,
}
"""The HTTP status of each type. After 400 and 401 the server keeps no association with the keys."""


class Problem(HarisError):  # noqa: N818  (the standard's word)
    """A request that is refused. details: texts by name; what they say never echoes a key."""

    def __init__(self, kind: ProblemType, details: Mapping[str, str] | None = None, status: int = 0) -> None:
        """status: only where it is not that of the type (a client keeps what the server said)."""
        self.kind, self.status = kind, status or STATUSES[kind]
        self.details = dict(details or {kind.replace("-", "_"): self.title})
        super().__init__("; ".join(f"{name}: {text}" for name, text in self.details.items()))

    @property
    def title(self) -> str:
        """The type in words."""
        return self.kind.replace("-", " ")


def invalid(text: str) -> Problem:
    """The problem of a value that may not stand where it does."""
    return Problem(ProblemType.INVALID_PARAMETER, {"invalid_parameter": text})


def missing(name: str) -> Problem:
    """The problem of a parameter that is required and absent."""
    return Problem(ProblemType.MISSING_PARAMETERS, {"missing_parameters": f"{name} is required"})


def write_problem(problem: Problem) -> bytes:
    """The body of an answer that is neither 200 nor 202."""
    return msgspec.json.encode(
        {
            "type": PREFIX + problem.kind,
            "status": problem.status,
            "title": problem.title,
            "details": problem.details,
        }
    )


def read_problem(status: int, body: bytes) -> Problem:
    """The problem that a server answers with; one of no known type is a general error of its status.

    Raises PeerError for a status that is no error.
    """
    if not 400 <= status <= _MAX_STATUS:
        raise PeerError(f"the neighbour operator's KME answered {status}")
    try:
        items = msgspec.json.decode(body, type=_Problem)
        kind = ProblemType(items.type.removeprefix(PREFIX))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        kind = ProblemType.UNAUTHORIZED if status == 401 else ProblemType.SERVER_SIDE_GENERAL_ERROR
        return Problem(kind, {"status": f"status {status} without problem details"}, status)
    return Problem(kind, items.details, status)


class _Problem(msgspec.Struct, frozen=True):
    type: str
    details: dict[str, str] = {}
