"""A key manager's client of its peers: one verb, one body, one answer, over mutual TLS."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Container, Mapping, Sequence

import aiohttp

from haris.keys.directory import Directory
from haris.node.configuration.interworking import ASK_TIMEOUT_S
from haris.node.pki.identity import IdentityTable, verified_chain
from haris.node.pki.mutual_tls import TlsFiles, named, peer_context
from haris.node.pki.revocation import Revocation
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, PeerError, Unauthorised, Unheard
from haris.wire import kme, span, versions
from haris.wire.etsi014 import read_error
from haris.wire.versions import NoCommonVersion, Versions

_CONNECTIONS_PER_PEER = 16
_CONTEXT = re.compile(r" ssl:<ssl\.SSLContext object at 0x[0-9a-f]+>")


class KmePeers:
    """Connections to the key managers of other sites, kept alive."""

    def __init__(
        self,
        directory: Directory,
        tls: TlsFiles,
        urls: Mapping[str, str | Sequence[str]],
        identity: IdentityTable | None = None,
        revocation: Revocation | None = None,
    ) -> None:
        """urls: https://host:port of the peer face of each site's key manager; of several processes, in order.

        identity: which field of its certificate names it. revocation: who knows whether that has been revoked.
        """
        self._directory = directory
        self._identity, self._revocation = identity or IdentityTable(), revocation
        self._urls: dict[str, tuple[str, ...]] = {}
        self.renew(tls)
        for site, ways in urls.items():
            self.route(site, *([ways] if isinstance(ways, str) else ways))
        self._session: aiohttp.ClientSession | None = None
        self.trace_headers: Callable[[], dict[str, str]] = dict
        self.file_alarm: Callable[[Alarm], None] = lambda alarm: None
        self._spoken: dict[str, Versions] = {}  # by URL, until it cannot be reached
        self._strange: set[str] = set()
        self.require_trusted: Callable[[str], None] = lambda site: None
        """PeerError for a site that nothing is said to."""
        self.require_reached: Callable[[str], None] = lambda site: None
        """OutOfContact for a site that cannot be reached now, as was foretold: it is not tried."""

    def renew(self, tls: TlsFiles) -> None:
        """Use these files for connections to come; requests after this one make new ones. ParameterError: no change."""
        self._contexts = self._contexts_of(self._directory, tls)
        self._tls = tls

    def know(self, directory: Directory, urls: Mapping[str, Sequence[str]]) -> None:
        """Reach the sites of a directory, which ours is about to become, at these from now on, and no others.

        ParameterError, with all as before, for a way that is none, and for files of TLS that cannot be read.
        """
        contexts = self._contexts_of(directory, self._tls)
        ways = {site: _ways(contexts, site, each) for site, each in urls.items()}
        self._contexts, self._urls = contexts, ways

    def route(self, site: str, *urls: str) -> None:
        """Reach site at these from now on, the first that can be connected to.

        ParameterError for a site that the directory lacks, or another scheme.
        """
        self._urls[site] = _ways(self._contexts, site, urls)

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that can be asked."""
        return tuple(self._urls)

    async def ask(self, site: str, verb: str, body: bytes, timeout_s: float = ASK_TIMEOUT_S) -> bytes:
        """The body of site's answer.

        PeerError when it refuses, KeyUnavailable when it cannot be reached in time (Unheard when it heard nothing),
        OutOfContact when that was foreseen.
        """
        if site not in self._urls:
            raise ParameterError(f"no way to the key manager of site {site} is configured")
        self.require_trusted(site)
        self.require_reached(site)
        try:
            return await self._ask(site, verb, body, timeout_s)
        except KeyUnavailable:
            self.require_reached(site)
            try:
                asked = self._revocation is not None and await self._revocation.settle()
            except Unauthorised as error:
                raise KeyUnavailable(f"the key manager of {site} cannot be reached: {error}") from None
            if not asked:
                raise
            return await self._ask(site, verb, body, timeout_s)

    async def span_version(self, site: str) -> int:
        """The version of a span's messages in which to greet site: the highest of ours while it cannot be asked.

        Raises NoCommonVersion.
        """
        for url in self._urls.get(site, ()):
            try:
                theirs = await self._versions_at(url, site, ASK_TIMEOUT_S)
            except (aiohttp.ClientError, OSError, TimeoutError, HarisError):
                continue  # it cannot be reached, or is out of order
            return self._common("a span's messages", site, span.VERSIONS, theirs.span)
        return max(span.VERSIONS)

    async def _ask(self, site: str, verb: str, body: bytes, timeout_s: float) -> bytes:
        *first, last = self._urls[site]
        for url in first:
            try:
                return await self._ask_at(url, site, verb, body, timeout_s)
            except (aiohttp.ClientConnectorError, Unheard):
                continue  # it has heard nothing, so that another process may be asked
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise _unreachable(site, error) from None
        try:
            return await self._ask_at(last, site, verb, body, timeout_s)
        except aiohttp.ClientConnectorError as error:
            raise Unheard(str(_unreachable(site, error))) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(site, error) from None

    async def _ask_at(self, url: str, site: str, verb: str, body: bytes, timeout_s: float) -> bytes:
        known = url in self._spoken
        try:
            theirs = await self._versions_at(url, site, timeout_s)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unheard(str(_unreachable(site, error))) from None
        version = self._common("what key managers say to each other", site, kme.VERSIONS, theirs.peer)
        status, octets = await self._request("POST", url, kme.path(verb, version), site, body, timeout_s)
        if status == 404 and known:  # it is of another release by now
            self._spoken.pop(url, None)
            return await self._ask_at(url, site, verb, body, timeout_s)
        if status == 200:
            return octets
        raise _refusal(site, status, octets)

    async def _versions_at(self, url: str, site: str, timeout_s: float) -> Versions:
        """What the key manager at url speaks: asked once, and again after it could not be reached."""
        if url not in self._spoken:
            status, octets = await self._request("GET", url, versions.PATH, site, None, timeout_s)
            if status not in (200, 404):
                raise _refusal(site, status, octets)
            self._spoken[url] = versions.read(octets) if status == 200 else versions.BEFORE_ASKING
        return self._spoken[url]

    async def _request(
        self, method: str, url: str, path: str, site: str, body: bytes | None, timeout_s: float
    ) -> tuple[int, bytes]:
        try:
            async with self._opened().request(
                method,
                url + path,
                data=body,
                ssl=self._contexts[site],
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                headers={"Content-Type": "application/json", **self.trace_headers()},
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            self._spoken.pop(url, None)
            raise

    def _common(self, what: str, site: str, own: Sequence[int], theirs: Sequence[int]) -> int:
        """As versions.common; an alarm tells when there is none, and when there is one again."""
        try:
            found = versions.common(what, site, own, theirs)
        except NoCommonVersion as error:
            if f"{site} {what}" not in self._strange:
                self._strange.add(f"{site} {what}")
                self.file_alarm(Alarm(Severity.MAJOR, site, str(error), AlarmKind.VERSION))
            raise
        if f"{site} {what}" in self._strange:
            self._strange.discard(f"{site} {what}")
            self.file_alarm(Alarm(Severity.INFO, site, f"version {found} is common", AlarmKind.VERSION, active=False))
        return found

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
        if self._revocation is not None:
            await self._revocation.close()

    def _contexts_of(self, directory: Directory, tls: TlsFiles) -> dict[str, ssl.SSLContext]:
        kmes = {site: kme for site, kme in directory.kmes.items() if site != directory.site}
        return {site: peer_context(tls, self._requirer(kme)) for site, kme in kmes.items()}

    def _requirer(self, kme: str) -> Callable[[ssl.SSLObject], None]:
        """What refuses any other than this key manager, and this one once its certificate is revoked."""

        require_name = named(kme, self._identity)

        def require(connection: ssl.SSLObject) -> None:
            require_name(connection)
            if self._revocation is not None:
                self._revocation.require_vetted(verified_chain(connection))

        return require

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=_CONNECTIONS_PER_PEER)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session


def _ways(sites: Container[str], site: str, urls: Sequence[str]) -> tuple[str, ...]:
    if site not in sites or not urls or not all(url.startswith("https://") for url in urls):
        raise ParameterError(f"the way to a peer is an https URL of another site of the directory: {site} {urls}")
    return tuple(url.rstrip("/") for url in urls)


def _refusal(site: str, status: int, octets: bytes) -> KeyUnavailable | PeerError:
    message = read_error(octets).message
    if status == 503:
        return KeyUnavailable(f"the key manager of {site} is out of order: {message}")
    return PeerError(f"the key manager of {site} refuses: {message}")


def _unreachable(site: str, error: Exception) -> KeyUnavailable:
    why = without_context(str(error)) or "time-out"
    return KeyUnavailable(f"the key manager of {site} cannot be reached: {why}")


def without_context(words: str) -> str:
    """aiohttp's words without Python's TLS object, which tells an operator nothing."""
    return _CONTEXT.sub("", words)
