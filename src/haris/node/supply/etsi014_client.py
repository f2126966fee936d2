"""An application's client of a key manager: ETSI GS QKD 014 over mutual TLS."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from uuid import UUID

import aiohttp

from haris.node.supply.unreached import unreached
from haris.nouns.endpoint import read_server_url
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import DeliveredKey, Origin, Pedigree, Proof
from haris.wire import etsi014
from haris.wire.key_batch import read_key_batch
from haris.wire.pedigree import read_pedigree

TIMEOUT_S = 10.0
TUNNEL_KEY_BITS = 256
_MAX_ANSWER_OCTETS = 1 << 22
_RETRY_S = 1
_ONE_KEY = etsi014.KeyRequest()  # one, of the key manager's own size

_UNSAID = Pedigree(
    epsilon=None,
    origin=Origin.VENDOR,
    proof=Proof(theorem="not stated", attacks="not stated", finite=False),
    epsilon_reason="the key manager says nothing about it",
)


class KmeClient:
    """One application entity at one key manager. A context manager: `async with KmeClient(...) as kme`.

    url: https://HOST:PORT of the key manager. context: TLS with the SAE's certificate (credentials.client_context).
    Every method raises KeyUnavailable on status 503 and while the key manager cannot be reached, ParameterError with
    its message on another 4xx (our request is wrong, or not ours to make), PeerError when it breaks the standard.
    """

    def __init__(self, url: str, context: ssl.SSLContext, timeout_s: float = TIMEOUT_S) -> None:
        read_server_url("a key manager's URL", url)
        self._url = url.rstrip("/")
        self._context = context
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context), timeout=self._timeout, trust_env=False
        )
        # A key is delivered once: a GET that is silently sent again when its answer is lost would be refused, or burn
        # another key, and the caller would never learn that its first request may have been served.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def status(self, slave_sae: str) -> etsi014.Status:
        """What the key manager holds for us and slave_sae."""
        return etsi014.read_status(await self._ask(etsi014.path(slave_sae, "status"), None))

    async def enc_keys(self, slave_sae: str, request: etsi014.KeyRequest = _ONE_KEY) -> tuple[DeliveredKey, ...]:
        """Fresh keys shared with slave_sae, as many as asked for."""
        keys = await self.given_enc_keys(slave_sae, request)
        if len(keys) != (request.number or 1):
            raise PeerError(f"the KME gave {len(keys)} keys for {request.number or 1}")
        if request.size is not None and any(key.size_bits != request.size for key in keys):
            raise PeerError(f"the KME gave a key of another size than {request.size} bits")
        return keys

    async def given_enc_keys(self, slave_sae: str, request: etsi014.KeyRequest) -> tuple[DeliveredKey, ...]:
        """As enc_keys, for a caller that judges himself what the key manager gave: of any number and size."""
        where, query = etsi014.path(slave_sae, "enc_keys"), etsi014.write_key_request_query(request)
        if query is None:
            body = await self._ask(where, etsi014.write_key_request(request))
        else:
            body = await self._ask(f"{where}?{query}" if query else where, None)
        return _delivered(body)

    async def dec_keys(self, master_sae: str, key_ids: Sequence[UUID]) -> tuple[DeliveredKey, ...]:
        """The keys that master_sae took under these key_IDs, in their order."""
        by_id = {key.key_id: key for key in await self.given_dec_keys(master_sae, key_ids)}
        if set(by_id) != set(key_ids):
            raise PeerError("the KME gave other keys than those that were named")
        return tuple(by_id[key_id] for key_id in key_ids)

    async def given_dec_keys(self, master_sae: str, key_ids: Sequence[UUID]) -> tuple[DeliveredKey, ...]:
        """As dec_keys, for a caller that judges himself what the key manager gave."""
        where = etsi014.path(master_sae, "dec_keys")
        if len(key_ids) == 1:
            body = await self._ask(f"{where}?key_ID={key_ids[0]}", None)
        else:
            body = await self._ask(where, etsi014.write_key_ids(etsi014.KeyIDs.of(key_ids)))
        return _delivered(body)

    async def enc_key(self, slave_sae: str) -> DeliveredKey:
        """One fresh key of 256 bits shared with slave_sae."""
        return (await self.enc_keys(slave_sae, etsi014.KeyRequest(number=1, size=TUNNEL_KEY_BITS)))[0]

    async def dec_key(self, master_sae: str, key_id: UUID) -> DeliveredKey:
        """The key that master_sae took under key_id."""
        return (await self.dec_keys(master_sae, [key_id]))[0]

    async def _ask(self, where: str, body: bytes | None) -> bytearray:
        """GET, or POST when there is a body; the body of a 200."""
        if self._session is None:
            raise ParameterError("the client is used inside `async with`")
        headers = {} if body is None else {"Content-Type": "application/json"}
        method = "GET" if body is None else "POST"
        try:
            async with self._session.request(method, self._url + where, data=body, headers=headers) as answer:
                octets = bytearray()
                async for part in answer.content.iter_any():
                    octets += part
                    if len(octets) > _MAX_ANSWER_OCTETS:
                        raise PeerError(f"the KME's answer exceeds {_MAX_ANSWER_OCTETS} octets")
                status, retry_after = answer.status, answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreached("the key manager", self._url, error, self._context) from None
        if status == 200:
            return octets
        raise _refusal(status, octets, retry_after)


def _delivered(body: bytearray) -> tuple[DeliveredKey, ...]:
    """The keys of a container. What is wiped here is all that can be: the keys themselves are the caller's."""
    try:
        batch = read_key_batch(body, _UNSAID)
        if batch is None:
            return _delivered_otherwise(body)
        size, names = batch.size_bits // 8, etsi014.KeyIDs(batch.key_ids).key_ids
        secrets = (bytes(batch.secrets[at : at + size]) for at in range(0, len(batch.secrets), size))
        keys = tuple(DeliveredKey(*key, batch.pedigree) for key in zip(names, secrets, strict=True))
        batch.wipe()
        return keys
    finally:
        body[:] = bytes(len(body))


def _delivered_otherwise(body: bytearray) -> tuple[DeliveredKey, ...]:
    container = etsi014.read_key_container(body)
    shared = read_pedigree(container.extension) or _UNSAID
    return tuple(DeliveredKey(key.key_id, key.octets, read_pedigree(key.extension) or shared) for key in container.keys)


def _refusal(status: int, body: bytearray, retry_after: str) -> HarisError:
    """The error for a status other than 200, with the server's own message where it has one."""
    try:
        message = etsi014.read_error(body).message
    except PeerError:
        message = "no message"
    if status == 503:
        return KeyUnavailable(
            f"the KME has no key: {message}", int(retry_after) if retry_after.isdecimal() else _RETRY_S
        )
    if 400 <= status < 500:
        return ParameterError(f"the KME refused the request ({status}): {message}")
    return PeerError(f"the KME answered {status}: {message}")
