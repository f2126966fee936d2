"""An operator's client of a site: its Unix socket, or its operators' face over mutual TLS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from haris.node.configuration.node_toml import read_configuration
from haris.node.pki.credentials import client_context
from haris.nouns.errors import ParameterError, PeerError
from haris.wire.etsi014 import read_error

TIMEOUT_S = 15.0


class AdminClient:
    """One site. Use it with `async with`."""

    def __init__(self, where: str, certificate: Path | None, key: Path | None, authority: Path | None) -> None:
        """where: https://HOST:PORT, which takes the three files; a Unix socket; or a NODE.toml that names one.

        Raises ParameterError.
        """
        self._files = certificate, key, authority
        self._url = where.rstrip("/")
        self._socket = None if "://" in where else _socket_of(Path(where))
        if self._socket is None and (not self._url.startswith("https://") or None in self._files):
            raise ParameterError(f"{where}: an operator's face is https://HOST:PORT and takes --cert, --key and --ca")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> AdminClient:
        """Make the connection's settings; nothing is sent yet."""
        certificate, key, authority = self._files
        connector: aiohttp.BaseConnector
        if self._socket is not None:
            connector, self._url = aiohttp.UnixConnector(str(self._socket)), "http://site"
        else:
            assert certificate is not None
            assert key is not None
            assert authority is not None
            connector = aiohttp.TCPConnector(ssl=client_context(certificate, key, authority, datetime.now(UTC)))
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, **query: str | None) -> bytes:
        """The body of an answer. PeerError when the site refuses, or cannot be reached."""
        return await self._ask("GET", path, {name: value for name, value in query.items() if value is not None}, None)

    async def post(self, path: str, items: dict[str, Any]) -> bytes:
        """As get, for what changes something."""
        return await self._ask("POST", path, {}, json.dumps(items).encode())

    async def _ask(self, method: str, path: str, query: dict[str, str], body: bytes | None) -> bytes:
        assert self._session is not None
        try:
            async with self._session.request(method, self._url + path, params=query, data=body) as answer:
                octets = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise PeerError(f"{self._socket or self._url} cannot be reached: {error or 'time-out'}") from None
        if answer.status != 200:
            raise PeerError(f"{self._socket or self._url} refuses: {read_error(octets).message}")
        return octets


def _socket_of(path: Path) -> Path:
    if path.suffix != ".toml":
        return path
    socket = read_configuration(path).admin.socket
    if socket is None:
        raise ParameterError(f"{path} names no socket for operators: [admin] socket")
    return socket
