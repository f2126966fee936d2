"""A source that speaks SKIP: a key provider at each end, pulled by this site as one of its encryptors, key by key."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Sequence
from uuid import UUID

from haris.keys.vendor import SourceKey
from haris.node.supply.skip_client import SkipClient
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError

AT_ONCE = 32
"""Keys of one draw: each is a request of its own."""


class SkipBox:
    """A Box. peer_id: system ID of the other end, as its key provider calls it."""

    def __init__(self, url: str, context: ssl.SSLContext, peer_id: str, key_bits: int) -> None:
        self._url, self._context, self._peer, self._key_bits = url, context, peer_id, key_bits
        self._opened = contextlib.AsyncExitStack()
        self._client: SkipClient | None = None

    async def open(self, session: bytes) -> tuple[str, ...]:
        """Make ready to connect; the first request connects."""
        self._client = await self._opened.enter_async_context(SkipClient(self._url, self._context))
        return ()

    async def fresh(self, n_keys: int) -> tuple[SourceKey, ...]:
        """One key a request, until the provider has no more."""
        client = self._require_client()
        keys: list[SourceKey] = []
        for _ in range(min(n_keys, AT_ONCE)):
            try:
                key = await client.given_key(self._peer, self._key_bits)
            except KeyUnavailable:
                if keys:
                    break  # what came is used: a key that is drawn does not come again
                raise
            keys.append(SourceKey(str(key.key_id), key.octets))
        return tuple(keys)

    async def named(self, names: Sequence[str]) -> tuple[SourceKey, ...]:
        """The keys by their keyId, one a request."""
        client = self._require_client()
        keys: list[SourceKey] = []
        for name in names[:AT_ONCE]:
            try:
                key = await client.given_known_key(_key_id(name), self._peer)
            except KeyUnavailable:
                if not keys:
                    raise
                break
            keys.append(SourceKey(str(key.key_id), key.octets))
        return tuple(keys)

    async def burn(self, names: Sequence[str]) -> None:
        """A key provider delivers once: nothing is left to burn."""

    async def close(self) -> None:
        """Close the connections."""
        self._client = None
        await self._opened.aclose()

    def _require_client(self) -> SkipClient:
        if self._client is None:
            raise ParameterError("a box is used after it is opened")
        return self._client


def _key_id(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        raise PeerError("a key on offer is named by no keyId") from None
