"""A device that is asked over HTTP: a maker's appliance, or a key provider's entropy as SKIP has it.

Its octets are samples of 8 bits, or of the bits that the source states.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from urllib.parse import urlencode

import aiohttp

from haris.node.entropy.device import DeviceError, octets_a_sample, samples_of
from haris.node.supply.skip_client import SkipClient
from haris.node.supply.unreached import unreached
from haris.nouns.errors import HarisError, PeerError
from haris.quantum.entropy.source import Emission
from haris.wire.randomness import ORIGIN_HEADER, Birth, BitOrigin, Format, RandomRequest, read_origin, read_random

_SPACE_OCTETS = 64
"""White space and a word around what was asked for; a longer answer is read no further."""

Ask = Callable[[int], Awaitable[tuple[bytes, Mapping[str, str]]]]
"""So many octets and the answer's headers, or HarisError."""


class AskedDevice:
    """A Device that is asked for at_once octets a request. opening: gives what to ask, as a context."""

    def __init__(
        self,
        name: str,
        opening: Callable[[], contextlib.AbstractAsyncContextManager[Ask]],
        bits: int,
        timeout_s: float,
        at_once: int,
    ) -> None:
        self.name, self.birth = name, Birth.VENDOR
        self._opening, self._bits, self._timeout_s, self._at_once = opening, bits, timeout_s, at_once
        self._runner: asyncio.Runner | None = None
        self._opened = contextlib.AsyncExitStack()
        self._ask: Ask | None = None

    def open(self) -> None:
        """Make ready to connect; the first read connects."""
        self._runner = asyncio.Runner()
        self._ask = self._runner.run(self._opened.enter_async_context(self._opening()))

    def read(self, n_samples: int) -> Emission:
        """Samples of as many requests as they take, all of them within the time."""
        return Emission(samples_of(self.name, self.octets(n_samples * octets_a_sample(self._bits)), self._bits))

    def octets(self, n_octets: int) -> bytearray:
        """The next octets, as they are. Raises DeviceError when they do not come in time."""
        if self._runner is None or self._ask is None:
            raise DeviceError(f"{self.name}: is not open")
        return self._runner.run(self._octets(self._ask, n_octets))

    def close(self) -> None:
        """Close the connections."""
        if self._runner is not None:
            with contextlib.suppress(OSError):
                self._runner.run(self._opened.aclose())
            self._runner.close()
        self._runner, self._ask = None, None

    async def _octets(self, ask: Ask, n_octets: int) -> bytearray:
        octets = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s):
                while len(octets) < n_octets:
                    given, headers = await ask(min(self._at_once, n_octets - len(octets)))
                    self._require_source(headers)
                    octets += given
        except TimeoutError:
            raise DeviceError(
                f"{self.name}: gave {len(octets)} of {n_octets} octets in {self._timeout_s:g} s: it blocks"
            ) from None
        except HarisError as error:
            raise DeviceError(f"{self.name}: {error}") from None
        return octets

    def _require_source(self, headers: Mapping[str, str]) -> None:
        """Of a supply of haris: bits of its generator are no samples, and what its own samples are, ours are."""
        if ORIGIN_HEADER in headers:
            origin, self.birth = read_origin(headers)
            if origin is not BitOrigin.SOURCE:
                raise PeerError("gave bits of a generator: ask with ?origin=source in the url")


def appliance(
    url: str, form: Format, context: ssl.SSLContext | None, bits: int, timeout_s: float, at_once: int
) -> AskedDevice:
    """`GET url?length=N&format=HEX|BINARY`. context: TLS; None for plain HTTP."""

    tls = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # that trusts nobody, and plain HTTP does not ask it

    @contextlib.asynccontextmanager
    async def opening() -> AsyncIterator[Ask]:
        connector = aiohttp.TCPConnector(ssl=tls)
        async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
            session._retry_connection = False  # bits are given once

            async def ask(n_octets: int) -> tuple[bytes, Mapping[str, str]]:
                query = urlencode({"length": n_octets, "format": form})
                try:
                    async with session.get(
                        f"{url}{'&' if '?' in url else '?'}{query}", allow_redirects=False
                    ) as answer:
                        body, status = await _body(answer, 2 * n_octets + _SPACE_OCTETS), answer.status
                        headers = answer.headers
                except (aiohttp.ClientError, OSError) as error:
                    raise unreached("the appliance", url, error, tls) from None
                if status != 200:
                    raise PeerError(f"the appliance answered {status}")
                return read_random(body, RandomRequest(n_octets, form)), headers

            yield ask

    return AskedDevice(url, opening, bits, timeout_s, at_once)


async def _body(answer: aiohttp.ClientResponse, at_most: int) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > at_most:
            raise PeerError("the appliance gave more than was asked for")
    return bytes(body)


def skip_entropy(url: str, context: ssl.SSLContext, bits: int, timeout_s: float, at_once: int) -> AskedDevice:
    """`GET /entropy?minentropy=N` of SKIP (draft-cisco-skip-02)."""

    @contextlib.asynccontextmanager
    async def opening() -> AsyncIterator[Ask]:
        async with SkipClient(url, context, timeout_s) as client:

            async def ask(n_octets: int) -> tuple[bytes, Mapping[str, str]]:
                octets, headers = await client.entropy_and_headers(8 * n_octets)
                return octets[:n_octets], headers

            yield ask

    return AskedDevice(url, opening, bits, timeout_s, at_once)
