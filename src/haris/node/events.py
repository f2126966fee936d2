"""What a site tells of itself while it runs: values that the command line prints and the demonstration follows."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import msgspec


class BlockEvent(msgspec.Struct, frozen=True, tag="block"):
    """One block of a span has ended.

    aborted: the reason, or None. detail: in words. qber_key, qber_test: error rate of each basis, None if unknown.
    sifted_bits, secret_bits, leaked_bits: of this block. light_s: how long the pulses last. wall_s: how long sampling
    and distilling took here.
    """

    site: str
    span: str
    number: int
    aborted: str | None
    detail: str
    qber_key: float | None
    qber_test: float | None
    sifted_bits: int
    secret_bits: int
    leaked_bits: int
    light_s: float
    wall_s: float


class PoolEvent(msgspec.Struct, frozen=True, tag="pool"):
    """Keys ready for assignment by this site towards peer, and the number it wants to hold."""

    site: str
    peer: str
    ready: int
    target: int


class RelayEvent(msgspec.Struct, frozen=True, tag="relay"):
    """Keys sent to peer over the trusted nodes of path."""

    site: str
    peer: str
    path: tuple[str, ...]
    n_keys: int
    pad_octets: int


class PadEvent(msgspec.Struct, frozen=True, tag="pad"):
    """A relay has used octets of a ledger's pad at this site, from offset on. A sender tells it before it sends."""

    site: str
    relay: UUID
    ledger: str
    offset: int
    octets: int


class SupplyEvent(msgspec.Struct, frozen=True, tag="supply"):
    """Keys have left this key manager. method: `enc_keys` (to the master) or `dec_keys` (to a slave).

    epsilon: the largest of the keys'. hops: links that they crossed.
    """

    site: str
    method: str
    sae: str
    n_keys: int
    epsilon: float | None
    hops: int


class AlarmEvent(msgspec.Struct, frozen=True, tag="alarm"):
    """Something that an operator should know."""

    site: str
    severity: str
    source: str
    text: str


class SiteEvent(msgspec.Struct, frozen=True, tag="site"):
    """The site's own life: started, stopped; or a span's connection: connected, lost."""

    site: str
    what: str
    detail: str = ""


Event = BlockEvent | PoolEvent | RelayEvent | PadEvent | SupplyEvent | AlarmEvent | SiteEvent
Observe = Callable[[Event], None]

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def to_json(event: Event) -> str:
    """The event as one line of JSON; its field `type` names it."""
    return _encoder.encode(event).decode()


def from_json(line: bytes) -> Event:
    """The event of a line. Raises msgspec.MsgspecError otherwise."""
    return _decoder.decode(line)


def in_words(event: Event) -> str:
    """The event as one line for a person."""
    match event:
        case BlockEvent(aborted=None):
            return (
                f"{event.site}: {event.span} block {event.number}: {event.secret_bits} secret bits from "
                f"{event.sifted_bits} sifted, QBER {100 * (event.qber_key or 0.0):.2f} %"
            )
        case BlockEvent():
            return f"{event.site}: {event.span} block {event.number} aborted ({event.aborted}): {event.detail}"
        case PoolEvent():
            return f"{event.site}: {event.ready} of {event.target} keys ready for {event.peer}"
        case RelayEvent():
            return f"{event.site}: {event.n_keys} keys relayed to {event.peer} over {' - '.join(event.path)}"
        case PadEvent():
            return f"{event.site}: {event.octets} octets of pad of {event.ledger} used from {event.offset} on"
        case SupplyEvent():
            return f"{event.site}: {event.method} gave {event.n_keys} keys to {event.sae}"
        case AlarmEvent():
            return f"{event.site}: ALARM ({event.severity}) {event.source}: {event.text}"
        case SiteEvent():
            return f"{event.site}: {event.what} {event.detail}".rstrip()
