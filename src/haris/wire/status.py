"""What a site says of itself to operators and to other sites, and what one site knows of the whole network, in JSON."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from haris.nouns.alarms import Standing
from haris.nouns.errors import PeerError

T = TypeVar("T")

STATUS = "status"
"""The verb of the peer face, and the last part of the operators' path."""


class PassStatus(msgspec.Struct, frozen=True):
    """A pass that lasts or comes, of a span through space, in the sky's time (UTC).

    secret_bits: as predicted. in_s: until it rises, by our clock; 0: it lasts.
    """

    rise_ns: int
    set_ns: int
    max_elevation_deg: float
    secret_bits: int
    in_s: float


class SpanStatus(msgspec.Struct, frozen=True):
    """One span as seen from one end.

    since_ns: when it came up, or went down; 0: it was never up. blocks, aborted: since the site started, the second
    within the first. qber: of the newest block that tells one. secret_bits_per_s: over the last minutes.
    next_pass: of a span through space, when one that gives key is foreseen. out_of_contact: it is down as was foreseen.
    """

    name: str
    peer: str
    up: bool
    since_ns: int
    blocks: int = 0
    aborted: int = 0
    last_abort: str = ""
    qber: float | None = None
    secret_bits_per_s: float = 0.0
    next_pass: PassStatus | None = None
    out_of_contact: bool = False


class PoolStatus(msgspec.Struct, frozen=True):
    """Keys that this site may give for slaves at peer. leased: of them, those that pairs have been promised.

    net_per_s: how fast the pool grows. dry_s: seconds until it is dry at that rate, None: never; earliest_dry_s: at
    the worst end of the rate's uncertainty (two standard errors). pad_keys: of a pool that passes fill, keys for which
    relay pad lies ready; net_per_s, dry_s and earliest_dry_s count them. next_pass_s: until a pass may bring more.
    pending: keys in doubt, such as those of relays on their way; counted where pad_keys is.
    """

    peer: str
    ready: int
    leased: int
    target: int
    oldest_s: float | None = None
    net_per_s: float = 0.0
    dry_s: float | None = None
    earliest_dry_s: float | None = None
    pad_keys: int = 0
    next_pass_s: float | None = None
    pending: int = 0

    @property
    def n_keys(self) -> int:
        """All that can be given."""
        return self.ready + self.leased


class SiteStatus(msgspec.Struct, frozen=True):
    """One site by its own word. alarms: those that stand, worst first."""

    site: str
    version: str
    laboratory: bool
    time_ns: int
    started_ns: int
    spans: tuple[SpanStatus, ...] = ()
    pools: tuple[PoolStatus, ...] = ()
    alarms: tuple[Standing, ...] = ()


class SiteReport(msgspec.Struct, frozen=True):
    """What is known of one site. status: its newest word. unreachable_since_ns: None while it answers."""

    site: str
    status: SiteStatus | None = None
    unreachable_since_ns: int | None = None
    problem: str = ""


class NetworkStatus(msgspec.Struct, frozen=True):
    """Every site that one of them knows, itself first."""

    asked: str
    time_ns: int
    sites: tuple[SiteReport, ...]


def write_status(status: SiteStatus | NetworkStatus) -> bytes:
    """The body of an answer."""
    return msgspec.json.encode(status)


def read_site_status(body: bytes) -> SiteStatus:
    """One site's word. PeerError for another form."""
    return _read(body, SiteStatus)


def read_network_status(body: bytes) -> NetworkStatus:
    """What a site knows of the network. PeerError for another form."""
    return _read(body, NetworkStatus)


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError(f"a site told its status in a wrong form: {error}") from None
