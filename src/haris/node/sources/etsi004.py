"""A source that speaks ETSI GS QKD 004: a key manager at each end, with one key stream that both ends join and pull.

The stream's Key_stream_ID is derived from the session of the span, which both ends know, unless the inventory names
one: a new session is a new stream, so that an index never means two keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import Sequence
from uuid import UUID

from haris.keys.vendor import SourceKey
from haris.node.supply.etsi004_client import Etsi004Client
from haris.nouns.endpoint import Endpoint
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, PeerError
from haris.wire.etsi004 import FIXED, NEXT_INDEX, OPENED, Framing, KeyGiven, QoS, Status

AT_ONCE = 64
"""Keys of one draw: each is a call of its own."""
TIMEOUT_MS = 1000
REJOIN_S = 0.5


class Etsi004Box:
    """A Box. ends: URIs of this site's application and of the other's.

    key_stream_id: None to derive it. framing: the dialect to speak.
    """

    def __init__(
        self,
        address: Endpoint,
        context: ssl.SSLContext,
        ends: tuple[str, str],
        key_bits: int,
        key_stream_id: UUID | None,
        framing: Framing = FIXED,
    ) -> None:
        self._address, self._context, self._ends, self._fixed = address, context, ends, key_stream_id
        self._qos = QoS(key_chunk_octets=key_bits // 8, timeout_ms=TIMEOUT_MS)
        self._framing, self._stream = framing, UUID(int=0)
        self._joining: asyncio.Task[None] | None = None
        self._client: Etsi004Client | None = None
        self._trouble = "not connected yet"

    async def open(self, session: bytes) -> tuple[str, ...]:
        """Begin to join the stream, and go on until it is joined: the other end waits for this one."""
        self._stream = self._fixed or stream_id(session)
        self._joining = asyncio.create_task(self._stay_joined())
        return ()

    async def fresh(self, n_keys: int) -> tuple[SourceKey, ...]:
        """The next chunks of the stream."""
        keys: list[SourceKey] = []
        for _ in range(min(n_keys, AT_ONCE)):
            try:
                keys.append(await self._get(NEXT_INDEX))
            except KeyUnavailable:
                if not keys:
                    raise
                break
        return tuple(keys)

    async def named(self, names: Sequence[str]) -> tuple[SourceKey, ...]:
        """The chunks of these names. PeerError for a name of another stream."""
        keys: list[SourceKey] = []
        for place in [self._place(name) for name in names[:AT_ONCE]]:
            try:
                keys.append(await self._get(place))
            except KeyUnavailable:
                if not keys:
                    raise
                break
        return tuple(keys)

    def _place(self, name: str) -> int:
        stream, _, index = name.partition("/")
        if stream != str(self._stream) or not index.isdecimal() or int(index) >= NEXT_INDEX:
            raise PeerError("a key on offer is no chunk of this session's key stream")
        return int(index)

    async def burn(self, names: Sequence[str]) -> None:
        """A key stream gives each end a chunk once: nothing is left to burn."""

    async def close(self) -> None:
        """Close this end of the stream, and the connection."""
        if self._joining is not None:
            self._joining.cancel()
            await asyncio.gather(self._joining, return_exceptions=True)
            self._joining = None

    async def _get(self, index: int) -> SourceKey:
        if self._client is None:
            raise KeyUnavailable(f"{self._address[0]}:{self._address[1]}: {self._trouble}")
        given = await self._client.get_key(self._stream, index)
        if given.status is Status.SUCCESSFUL:
            return SourceKey(f"{self._stream}/{given.index}", bytes(given.key))
        raise _refusal(given)

    async def _stay_joined(self) -> None:
        while True:
            try:
                async with Etsi004Client(self._address, self._context, self._framing) as client:
                    await self._join(client)
            except (HarisError, OSError) as error:
                self._trouble = str(error)
            await asyncio.sleep(REJOIN_S)

    async def _join(self, client: Etsi004Client) -> None:
        answer = await client.open_connect(*self._ends, self._qos, self._stream)
        if answer.status not in OPENED:
            raise KeyUnavailable(f"OPEN_CONNECT is refused: {answer.status.name}")
        self._client = client
        try:
            while client.connected:
                await asyncio.sleep(REJOIN_S)
            self._trouble = "the connection ended"
        finally:
            self._client = None
            with contextlib.suppress(HarisError, OSError):
                await client.close(self._stream)


def stream_id(session: bytes) -> UUID:
    """The Key_stream_ID of a span's session: a UUID version 8 (RFC 9562) that both ends derive."""
    digest = bytearray(hashlib.sha256(b"haris 004 source" + session).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    return UUID(bytes=bytes(digest))


def _refusal(given: KeyGiven) -> HarisError:
    text = f"GET_KEY answers {given.status.name}"
    return ParameterError(text) if given.status is Status.METADATA_SIZE_INSUFFICIENT else KeyUnavailable(text)
