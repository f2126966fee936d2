"""Requests as an examiner makes them: any path, body and header, and every answer taken as it comes."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from haris.nouns.errors import ParameterError

PATIENCE_S = 10.0
MOST_OCTETS = 1 << 22


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. status: 0 when no answer came; then trouble says why, and hung whether it was a time-out."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    took_s: float = 0.0
    trouble: str = ""
    hung: bool = False

    @property
    def items(self) -> dict[str, Any] | None:
        """The JSON object in the body; None when it is something else."""
        try:
            items = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return items if isinstance(items, dict) else None

    @property
    def message(self) -> str | None:
        """The text of the standard's error, None when there is none."""
        message = (self.items or {}).get("message")
        return message if isinstance(message, str) else None


class Probe:
    """One caller at one key manager. A context manager. context: TLS, with or without a certificate of its own."""

    def __init__(self, url: str, context: ssl.SSLContext, patience_s: float = PATIENCE_S) -> None:
        self.url, self._context, self._patience_s = url.rstrip("/"), context, patience_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context, limit=0),
            timeout=aiohttp.ClientTimeout(total=self._patience_s),
            trust_env=False,
        )
        self._session._retry_connection = False  # a key that is asked for twice is lost once
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """GET a path."""
        return await self.ask("GET", path, None, headers)

    async def post(self, path: str, items: Any) -> Reply:
        """POST items as JSON."""
        return await self.ask("POST", path, msgspec.json.encode(items))

    async def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None = None) -> Reply:
        """One request, sent once."""
        if self._session is None:
            raise ParameterError("a probe is used inside `async with`")
        every = {**({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        began = time.perf_counter()
        try:
            async with self._session.request(
                method, self.url + path, data=body, headers=every, allow_redirects=False
            ) as answer:
                octets = b""
                async for part in answer.content.iter_any():
                    octets += part
                    if len(octets) > MOST_OCTETS:
                        return Reply(0, trouble=f"an answer above {MOST_OCTETS} octets")
                took_s = time.perf_counter() - began
                return Reply(answer.status, dict(answer.headers), octets, took_s)
        except TimeoutError:
            return Reply(0, took_s=time.perf_counter() - began, trouble="no answer in time", hung=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(0, took_s=time.perf_counter() - began, trouble=str(error) or type(error).__name__)
