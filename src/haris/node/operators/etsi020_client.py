"""A key manager's client of a neighbour operator's key manager: ETSI GS QKD 020 over mutual TLS 1.3."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import aiohttp

from haris.node.pki.identity import IdentityTable
from haris.node.pki.mutual_tls import TlsFiles, named, peer_context
from haris.node.supply.unreached import unreached
from haris.nouns.endpoint import read_server_url
from haris.nouns.errors import ParameterError, PeerError
from haris.wire import etsi020
from haris.wire.etsi020 import AckContainer, ExtKeyContainer, VersionContainer, VoidContainer
from haris.wire.etsi020_problem import read_problem

TIMEOUT_S = 10.0
_MAX_ANSWER_OCTETS = 1 << 23


def interworking_context(tls: TlsFiles, kme: str, identity: IdentityTable | None = None) -> ssl.SSLContext:
    """TLS 1.3 as a client of the one key manager whose certificate names it kme."""
    context = peer_context(tls, named(kme, identity))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Etsi020Client:
    """One key manager at that of another operator. A context manager: `async with Etsi020Client(...) as there`.

    url: https://HOST:PORT. context: see interworking_context. Every method raises Problem when the other refuses (its
    `status` says whether it keeps anything: 400 and 401 not), KeyUnavailable when it cannot be reached in time (then it
    may have done what was asked), PeerError when it breaks the standard.
    """

    def __init__(self, url: str, context: ssl.SSLContext, timeout_s: float = TIMEOUT_S) -> None:
        read_server_url("a key manager's URL", url)
        self._url, self._context = url.rstrip("/"), context
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    def renew(self, context: ssl.SSLContext) -> None:
        """TLS of requests to come."""
        self._context = context

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=8), timeout=self._timeout, trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def versions(self) -> VersionContainer:
        """The versions and capabilities of the other key manager."""
        _, body = await self._ask(etsi020.VERSIONS_PATH, None, (200,))
        return etsi020.read_versions(body)

    async def ext_keys(self, container: ExtKeyContainer, timeout_s: float | None = None) -> tuple[AckContainer, ...]:
        """Hand keys over. Returns the acknowledgements of a synchronous request; none: they will be called back."""
        return await self._acked(etsi020.EXT_KEYS_PATH, etsi020.write_ext_keys(container), container, timeout_s)

    async def void(self, container: VoidContainer, timeout_s: float | None = None) -> tuple[AckContainer, ...]:
        """Take keys back. Returns as ext_keys does."""
        return await self._acked(etsi020.VOID_PATH, etsi020.write_void(container), container, timeout_s)

    async def ack(self, containers: Sequence[AckContainer], url: str = "") -> None:
        """Acknowledge keys that the other handed over or voided. url: its callback URL, where that is another."""
        await self._ask(url or etsi020.ACK_PATH, etsi020.write_acks(containers), (200,))

    async def _acked(
        self, path: str, body: bytes, container: ExtKeyContainer | VoidContainer, timeout_s: float | None
    ) -> tuple[AckContainer, ...]:
        synchronous = container.ack_callback_url is None
        status, answer = await self._ask(path, body, (200,) if synchronous else (200, 202), timeout_s)
        return etsi020.read_acks_answer(answer) if status == 200 else ()

    async def _ask(
        self, path: str, body: bytes | None, wanted: tuple[int, ...], timeout_s: float | None = None
    ) -> tuple[int, bytes]:
        if self._session is None:
            raise ParameterError("the client is used inside `async with`")
        url = path if path.startswith("https://") else self._url + path
        try:
            async with self._session.request(
                "GET" if body is None else "POST",
                url,
                data=body,
                ssl=self._context,
                headers={} if body is None else {"Content-Type": etsi020.CONTENT_TYPE},
                timeout=self._timeout if timeout_s is None else aiohttp.ClientTimeout(total=timeout_s),
                allow_redirects=False,
            ) as answer:
                octets = await _bounded(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreached("the key manager", self._url, error, self._context) from None
        if answer.status in wanted:
            return answer.status, octets
        raise read_problem(answer.status, octets)


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    octets = b""
    async for part in answer.content.iter_any():
        octets += part
        if len(octets) > _MAX_ANSWER_OCTETS:
            raise PeerError(f"the KME's answer exceeds {_MAX_ANSWER_OCTETS} octets")
    return octets
