"""A source that speaks ETSI GS QKD 014: a key manager at each end, pulled by this site as one of its SAEs."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Sequence
from uuid import UUID

from haris.keys.vendor import SourceKey
from haris.node.supply.etsi014_client import KmeClient
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import DeliveredKey
from haris.wire.etsi014 import KeyRequest

REQUEST_KEYS = 128
"""Keys of one request, where the key manager does not say how many it allows."""


class Etsi014Box:
    """A Box. url: of the key manager. context: TLS with this site's certificate. peer_id: SAE ID of the other site."""

    def __init__(self, url: str, context: ssl.SSLContext, peer_id: str, key_bits: int, leave_keys: int) -> None:
        self._url, self._context, self._peer = url, context, peer_id
        self._key_bits, self._leave = key_bits, leave_keys
        self._opened: contextlib.AsyncExitStack | None = None
        self._client: KmeClient | None = None

    async def open(self, session: bytes) -> tuple[str, ...]:
        """Make ready to connect; the first request connects."""
        if self._opened is None:
            self._opened = contextlib.AsyncExitStack()
            self._client = await self._opened.enter_async_context(KmeClient(self._url, self._context))
        return ()

    async def fresh(self, n_keys: int) -> tuple[SourceKey, ...]:
        """Get key, for as many as the key manager says that it has and allows at once."""
        client = self._require_client()
        number = min(n_keys, await self._allowed(client))
        keys = await client.given_enc_keys(self._peer, KeyRequest(number, self._key_bits))
        if not keys:
            raise KeyUnavailable("the key manager answered with an empty container")
        return _source_keys(keys)

    async def named(self, names: Sequence[str]) -> tuple[SourceKey, ...]:
        """Get key with key IDs, in requests of a size that any key manager takes."""
        client = self._require_client()
        keys: list[DeliveredKey] = []
        try:
            key_ids = [UUID(name) for name in names]
        except ValueError:
            raise PeerError("a key on offer is named by no UUID") from None
        for start in range(0, len(key_ids), REQUEST_KEYS):
            try:
                keys += await client.given_dec_keys(self._peer, key_ids[start : start + REQUEST_KEYS])
            except KeyUnavailable:
                if not keys:
                    raise
                break
        return _source_keys(keys)

    async def burn(self, names: Sequence[str]) -> None:
        """A key manager delivers once: nothing is left to burn."""

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = self._client = None

    async def _allowed(self, client: KmeClient) -> int:
        """Keys that may be asked for now. A key manager whose status cannot be read is asked for a few."""
        try:
            status = await client.status(self._peer)
        except (ParameterError, PeerError) as error:
            if self._leave:
                raise KeyUnavailable(f"leave_keys is set, and the stock is not told: {error}") from None
            return 1
        left = status.stored_key_count - self._leave
        if left < 1:
            raise KeyUnavailable(f"the key manager holds {status.stored_key_count} keys, {self._leave} are left there")
        return max(1, min(left, status.max_key_per_request, REQUEST_KEYS))

    def _require_client(self) -> KmeClient:
        if self._client is None:
            raise ParameterError("a box is used after it is opened")
        return self._client


def _source_keys(keys: Sequence[DeliveredKey]) -> tuple[SourceKey, ...]:
    return tuple(SourceKey(str(key.key_id), key.secret) for key in keys)
