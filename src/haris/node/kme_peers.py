"""A key manager's client of its peers: one verb, one body, one answer, over mutual TLS."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from haris.keys.directory import Directory
from haris.node.kme_tls import TlsFiles, peer_context
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.wire import kme
from haris.wire.etsi014 import read_error

ASK_TIMEOUT_S = 5.0
_CONNECTIONS_PER_PEER = 16


class KmePeers:
    """Connections to the key managers of other sites, kept alive."""

    def __init__(self, directory: Directory, tls: TlsFiles, urls: Mapping[str, str]) -> None:
        """urls: https://host:port of the peer face of each site's key manager."""
        others = (site for site in directory.kmes if site != directory.site)
        self._contexts = {site: peer_context(tls, directory.kmes[site]) for site in others}
        self._urls: dict[str, str] = {}
        for site, url in urls.items():
            self.route(site, url)
        self._session: aiohttp.ClientSession | None = None

    def route(self, site: str, url: str) -> None:
        """Reach site at url from now on. ParameterError for a site that the directory lacks, or another scheme."""
        if site not in self._contexts or not url.startswith("https://"):
            raise ParameterError(f"the way to a peer is an https URL of another site of the directory: {site} {url}")
        self._urls[site] = url.rstrip("/")

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that can be asked."""
        return tuple(self._urls)

    async def ask(self, site: str, verb: str, body: bytes, timeout_s: float = ASK_TIMEOUT_S) -> bytes:
        """The body of site's answer. PeerError when it refuses, KeyUnavailable when it cannot be reached in time."""
        if site not in self._urls:
            raise ParameterError(f"no way to the key manager of site {site} is configured")
        try:
            async with self._opened().post(
                self._urls[site] + kme.path(verb),
                data=body,
                ssl=self._contexts[site],
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                headers={"Content-Type": "application/json"},
            ) as answer:
                octets = await answer.read()
                if answer.status == 200:
                    return octets
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise KeyUnavailable(f"the key manager of {site} cannot be reached: {error or 'time-out'}") from None
        message = read_error(octets).message
        if answer.status == 503:
            raise KeyUnavailable(f"the key manager of {site} is out of order: {message}")
        raise PeerError(f"the key manager of {site} refuses: {message}")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=_CONNECTIONS_PER_PEER)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session
