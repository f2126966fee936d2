"""What a site tells of itself while it runs: values that the command line prints and the demonstration follows."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import msgspec

from haris.nouns.alarms import Alarm, AlarmKind
from haris.nouns.lines import one_line


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
    """Keys have left this key manager. method: `enc_keys` (to the master), `dec_keys` (to a slave) or
    `get_key` (to an end of a stream).

    epsilon: the largest of the keys'. hops: links that they crossed.
    """

    site: str
    method: str
    sae: str
    n_keys: int
    epsilon: float | None
    hops: int


class SourceEvent(msgspec.Struct, frozen=True, tag="source"):
    """A key source has another standing at this site. state: `sound`, `stalled` or `quarantined`; reason: in words."""

    site: str
    source: str
    state: str
    reason: str = ""


class AlarmEvent(msgspec.Struct, frozen=True, tag="alarm"):
    """Something that an operator should know. kind: of nouns/alarms.py. active: false when the condition has ended."""

    site: str
    severity: str
    source: str
    text: str
    kind: AlarmKind = AlarmKind.OTHER
    active: bool = True


class DenialEvent(msgspec.Struct, frozen=True, tag="denial"):
    """Keys were refused `times` times within a second. The words are those of manage/audit.py, Denial."""

    site: str
    method: str
    interface: str
    caller: str
    peer: str
    reason: str
    detail: str
    times: int


class SiteEvent(msgspec.Struct, frozen=True, tag="site"):
    """The site's own life: started, stopped; or a span's connection: connected, lost."""

    site: str
    what: str
    detail: str = ""


Event = (
    BlockEvent | PoolEvent | RelayEvent | PadEvent | SupplyEvent | SourceEvent | AlarmEvent | DenialEvent | SiteEvent
)
Observe = Callable[[Event], None]


def alarm_event(site: str, alarm: Alarm) -> AlarmEvent:
    """An alarm as this site tells it."""
    return AlarmEvent(site, str(alarm.severity), alarm.source, alarm.text, alarm.kind, alarm.active)


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def to_json(event: Event) -> str:
    """The event as one line of JSON; its field `type` names it."""
    return _encoder.encode(event).decode()


def from_json(line: bytes) -> Event:
    """The event of a line. Raises msgspec.MsgspecError otherwise."""
    return _decoder.decode(line)


def in_words(event: Event) -> str:
    """The event as one line for a person, whatever the names and reasons in it hold."""
    return one_line(_in_words(event))


def _in_words(event: Event) -> str:
    match event:
        case BlockEvent(aborted=None, qber_key=None, sifted_bits=0):
            return f"{event.site}: {event.span} block {event.number}: {event.secret_bits} bits of a vendor's keys"
        case BlockEvent(aborted=None, qber_key=None):  # of continuous variables
            return (
                f"{event.site}: {event.span} block {event.number}: {event.secret_bits} secret bits from "
                f"{event.sifted_bits} reconciled"
            )
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
        case SourceEvent():
            return f"{event.site}: source {event.source} is {event.state} {event.reason}".rstrip()
        case DenialEvent():
            times = f" ({event.times} times)" if event.times > 1 else ""
            return f"{event.site}: {event.method} refused to {event.caller or 'a stranger'}{times}: {event.detail}"
        case AlarmEvent(active=False):
            return f"{event.site}: alarm over: {event.source}: {event.text or event.kind}"
        case AlarmEvent():
            return f"{event.site}: ALARM ({event.severity}) {event.source}: {event.text}"
        case SiteEvent():
            return f"{event.site}: {event.what} {event.detail}".rstrip()
