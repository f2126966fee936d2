"""An encryptor's client of a key provider that speaks SKIP (draft-cisco-skip-02) over mutual TLS."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from uuid import UUID

import aiohttp

from haris.node.supply.unreached import unreached
from haris.nouns.endpoint import read_server_url
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.wire import skip
from haris.wire.etsi014 import read_error

TIMEOUT_S = 10.0
_MAX_ANSWER_OCTETS = 1 << 16


class SkipClient:
    """One encryptor at one key provider. A context manager: `async with SkipClient(...) as provider`.

    url: https://HOST:PORT. context: TLS with the encryptor's certificate (credentials.client_context).
    Raises KeyUnavailable on status 500 and 503 and while the provider cannot be reached, ParameterError on another
    refusal, PeerError when the provider breaks the protocol.
    """

    def __init__(self, url: str, context: ssl.SSLContext, timeout_s: float = TIMEOUT_S) -> None:
        read_server_url("a key provider's URL", url)
        self._url, self._context = url.rstrip("/"), context
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._context)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=False)
        self._session._retry_connection = False  # a key is given once: see kme_client
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def capabilities(self) -> skip.Capabilities:
        """What the key provider can do for us."""
        return skip.read_capabilities(await self._get("/capabilities"))

    async def fresh_key(self, remote_system: str, size_bits: int | None = None) -> skip.SkipKey:
        """A key that remote_system can fetch by its keyId; of 256 bits unless a size is named."""
        key = await self.given_key(remote_system, size_bits)
        if 8 * len(key.octets) != (size_bits or skip.DEFAULT_BITS):
            raise PeerError("the key provider gave a key of another size")
        return key

    async def given_key(self, remote_system: str, size_bits: int | None = None) -> skip.SkipKey:
        """As fresh_key, for a caller that judges himself what the key provider gave: of any size."""
        return skip.read_key(await self._get(skip.key_path(remote_system, size_bits)))

    async def known_key(self, key_id: UUID, remote_system: str) -> skip.SkipKey:
        """The key that remote_system took under key_id."""
        key = await self.given_known_key(key_id, remote_system)
        if key.key_id != key_id:
            raise PeerError("the key provider gave another key than the one that was named")
        return key

    async def given_known_key(self, key_id: UUID, remote_system: str) -> skip.SkipKey:
        """As known_key, for a caller that judges himself what the key provider gave."""
        return skip.read_key(await self._get(skip.known_key_path(key_id, remote_system)))

    async def entropy(self, min_entropy_bits: int | None = None) -> bytes:
        """Random octets that hold so many bits, 256 unless told."""
        return (await self.entropy_and_headers(min_entropy_bits))[0]

    async def entropy_and_headers(self, min_entropy_bits: int | None = None) -> tuple[bytes, Mapping[str, str]]:
        """As entropy, with what the answer says of it in its head."""
        body, headers = await self._answered(skip.entropy_path(min_entropy_bits))
        octets = skip.read_entropy(body)
        if 8 * len(octets) < (min_entropy_bits or skip.DEFAULT_BITS):
            raise PeerError("the key provider gave less entropy than was asked for")
        return octets, headers

    async def _get(self, path: str) -> bytes:
        return (await self._answered(path))[0]

    async def _answered(self, path: str) -> tuple[bytes, Mapping[str, str]]:
        if self._session is None:
            raise ParameterError("the client is used inside `async with`")
        try:
            async with self._session.get(self._url + path) as answer:
                octets = await answer.content.read(_MAX_ANSWER_OCTETS + 1)
                status, headers = answer.status, answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreached("the key provider", self._url, error, self._context) from None
        if status == 200:
            if len(octets) > _MAX_ANSWER_OCTETS:
                raise PeerError(f"the key provider's answer exceeds {_MAX_ANSWER_OCTETS} octets")
            return octets, headers
        message = _message(octets)
        if status in (500, 503):
            raise KeyUnavailable(f"the key provider has no key ({status}): {message}")
        if 400 <= status < 500:
            raise ParameterError(f"the key provider refused the request ({status}): {message}")
        raise PeerError(f"the key provider answered {status}: {message}")


def _message(body: bytes) -> str:
    try:
        return read_error(body).message
    except PeerError:
        return "no message"
