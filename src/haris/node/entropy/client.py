"""A consumer's client of a supply of random numbers, over mutual TLS; and a thread that fills a pool by it."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable

from haris.node.entropy.pool import Pool
from haris.node.supply.unreached import unreached
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.endpoint import read_server_url
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, PeerError
from haris.wire.etsi014 import read_error
from haris.wire.randomness import (
    Birth,
    BitOrigin,
    RandomRequest,
    SupplyStatus,
    random_path,
    read_origin,
    read_random,
    read_status,
)

TIMEOUT_S = 10.0
AT_ONCE_OCTETS = 2**16
_LEAST_OCTETS = 64
_ROOM_S = 0.2
_END_S = 2.0
_RETRY_S = 0.5
_MOST_STATUS_OCTETS = 2**16
_REPEATED_OCTETS = 16
"""Two answers that begin alike by this much are one, given twice: chance makes it once in 2^128."""


class SupplyClient:
    """One connection, for one thread; it is made when it is needed.

    url: https://HOST:PORT. context: TLS with our certificate (credentials.client_context).
    Raises KeyUnavailable on status 503 and while the supply cannot be reached, ParameterError on another refusal,
    PeerError when the supply breaks the protocol.
    """

    def __init__(self, url: str, context: ssl.SSLContext, timeout_s: float = TIMEOUT_S) -> None:
        self._host, self._port = read_server_url("a supply's URL", url)
        self.url, self._context, self._timeout_s = url.rstrip("/"), context, timeout_s
        self._connection: http.client.HTTPSConnection | None = None

    def random(self, request: RandomRequest) -> tuple[bytes, BitOrigin, Birth]:
        """Octets, and what they are; of the source alone where the request says so."""
        body, headers = self._get(random_path(request), 2 * request.length + 64)
        origin, birth = read_origin(dict(headers))
        if request.source_only and origin is not BitOrigin.SOURCE:
            raise PeerError("the supply gave bits of its generator, where those of the source were asked for")
        return read_random(body, request), origin, birth

    def status(self) -> SupplyStatus:
        """How the supply stands."""
        return read_status(self._get("/status", _MOST_STATUS_OCTETS)[0])

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _get(self, path: str, at_most: int) -> tuple[bytes, http.client.HTTPMessage]:
        try:
            if self._connection is None:
                self._connection = http.client.HTTPSConnection(
                    self._host, self._port, timeout=self._timeout_s, context=self._context
                )
            self._connection.request("GET", path)
            answer = self._connection.getresponse()
            body, status, headers = answer.read(at_most + 1), answer.status, answer.headers
            if len(body) > at_most or not answer.isclosed():
                self.close()  # more would come
        except OSError as error:
            self.close()
            raise unreached("the supply", self.url, error, self._context) from None
        except http.client.HTTPException as error:
            self.close()
            raise PeerError(f"{self.url}: the supply's answer is no HTTP: {type(error).__name__}") from None
        if len(body) > at_most:
            raise PeerError(f"the supply's answer exceeds {at_most} octets")
        if status == 200:
            return body, headers
        text = f"the supply answered {status}: {_message(body)}"
        if status == 503:
            raise KeyUnavailable(text)
        raise ParameterError(text) if 400 <= status < 500 else PeerError(text)


class Filling:
    """Keeps a pool full of the source's bits from a supply, in a thread; closes it while there are none.

    births: those that are accepted. tell: takes alarms, in that thread; again where the reason becomes another.
    """

    def __init__(
        self, client: SupplyClient, pool: Pool, births: frozenset[Birth], tell: Callable[[Alarm], None]
    ) -> None:
        self._client, self._pool, self._births, self._tell = client, pool, births, tell
        self._most = max(_LEAST_OCTETS, min(AT_ONCE_OCTETS, pool.limit // 8))
        self._length = self._most  # of the next request: small after a failure, then doubled
        self._last = b""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="randomness", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End: nothing is given any more on return."""
        self._stop.set()
        self._pool.close("the site has ended", for_good=True)
        self._thread.join(_END_S)  # an answer may still be waited for

    def _run(self) -> None:
        told = ""
        while not self._stop.is_set():
            try:
                octets = self._fetched()
            except HarisError as error:
                small, self._length = self._length == _LEAST_OCTETS, _LEAST_OCTETS
                if isinstance(error, KeyUnavailable) and not small:
                    continue  # there may be less than that
                if told != str(error):
                    told = str(error)
                    self._tell(self._alarm(told))
                if not isinstance(error, KeyUnavailable) or self._pool.n_ready < _LEAST_OCTETS:
                    self._pool.close(str(error))  # else what is here was good when it came
                self._stop.wait(_RETRY_S)
                continue
            self._length = min(self._most, 2 * self._length)
            if self._pool.reason:
                self._pool.open()
            if told:
                self._tell(self._alarm(""))
            told = ""
            while octets and not self._stop.is_set():
                octets = octets[self._pool.put(octets, _ROOM_S) :]
        self._client.close()

    def _fetched(self) -> bytes:
        octets, _, birth = self._client.random(RandomRequest(self._length, "BINARY", source_only=True))
        if birth not in self._births:
            raise PeerError(f"the supply's samples are {birth}: such bits make no keys here ([site] laboratory)")
        head = octets[:_REPEATED_OCTETS]
        if len(octets) >= 2 * _REPEATED_OCTETS and (head == self._last or len(set(octets)) == 1):
            raise PeerError("the supply gave the same octets again")
        self._last = head
        return octets

    def _alarm(self, text: str) -> Alarm:
        return Alarm(Severity.CRITICAL, self._client.url, text, AlarmKind.RANDOMNESS, active=bool(text))


def _message(body: bytes) -> str:
    try:
        return read_error(body).message
    except PeerError:
        return "no message"
