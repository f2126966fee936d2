"""What was seen of a network's whole life, and what in it must never be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from spliced_line import Conversation

from haris.crypto.ledger import ledger_name
from haris.crypto.wegman_carter import PAD_OCTETS
from haris.wire import span
from haris.wire.framing import HEADER_OCTETS


@dataclass(frozen=True, slots=True)
class Use:
    """Octets of a ledger's pad that a site used, and for what: a pad protects one message, at its two ends."""

    by: str
    ledger: str
    offset: int
    n_octets: int
    what: bytes


@dataclass(slots=True)
class History:
    """Everything that applications, the wire and the stores at the end have shown.

    given: every key of every 200 to a master. fetched: every key of every 200 to a slave. interrupted: keys whose
    fetch may have been served without its answer arriving. at_rest: keys READY at the end, by site. refusals: what was
    said to slaves that were refused. streamed: keys that are chunks of streams. unlike: where two ends of a span or a
    pool differ at rest, in words.
    """

    given: list[tuple[UUID, bytes]] = field(default_factory=list)
    fetched: list[tuple[UUID, bytes]] = field(default_factory=list)
    interrupted: set[UUID] = field(default_factory=set)
    uses: list[Use] = field(default_factory=list)
    at_rest: dict[str, dict[UUID, bytes]] = field(default_factory=dict)
    refusals: dict[UUID, str] = field(default_factory=dict)
    streamed: set[UUID] = field(default_factory=set)
    unlike: list[str] = field(default_factory=list)


def faults(history: History) -> list[str]:
    """Every fault, in words; empty when all is well."""
    return [
        *_delivered_twice(history),
        *_different_bytes(history),
        *_lost(history),
        *_still_in_a_pool(history),
        *_pad_used_twice(history.uses),
        *history.unlike,
    ]


def _delivered_twice(history: History) -> Iterator[str]:
    for who, deliveries in (("masters", history.given), ("slaves", history.fetched)):
        for key_id, times in Counter(key_id for key_id, _ in deliveries).items():
            if times > 1:
                yield f"key {key_id} was delivered {times} times to {who}"


def _different_bytes(history: History) -> Iterator[str]:
    seen: dict[UUID, bytes] = {}
    names: dict[bytes, UUID] = {}
    at_rest = (item for keys in history.at_rest.values() for item in keys.items())
    for key_id, octets in (*history.given, *history.fetched, *at_rest):
        if seen.setdefault(key_id, octets) != octets:
            yield f"key {key_id} has different bytes at two places"
        if names.setdefault(octets, key_id) != key_id:
            yield f"keys {names[octets]} and {key_id} have the same bytes"


def _lost(history: History) -> Iterator[str]:
    for key_id in {key_id for key_id, _ in history.given} - {key_id for key_id, _ in history.fetched}:
        if key_id not in history.interrupted:
            said = history.refusals.get(key_id, "it never came")
            yield f"key {key_id} was acknowledged to its master and is lost to its slave ({said})"


def _still_in_a_pool(history: History) -> Iterator[str]:
    delivered = {key_id for key_id, _ in (*history.given, *history.fetched)}
    for site, keys in history.at_rest.items():
        for key_id in delivered & set(keys):
            yield f"key {key_id} was delivered and is ready again at {site}"


def _pad_used_twice(uses: list[Use]) -> Iterator[str]:
    """Two uses may meet only as the two ends of one message: the same octets for the same, by different sites."""
    ordered = sorted(uses, key=lambda use: (use.ledger, use.offset))
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if other.ledger != one.ledger or other.offset >= one.offset + one.n_octets:
                break
            same = (one.offset, one.n_octets, one.what) == (other.offset, other.n_octets, other.what)
            if not same or one.by == other.by:
                yield f"octets of {one.ledger} at {other.offset} were used twice"


def tags_of(name: str, alice: str, bob: str, conversation: Conversation) -> Iterator[Use]:
    """The pad behind every tag that a span's classical channel carried. Alice calls."""
    sides = ((alice, "ab", conversation.from_caller), (bob, "ba", conversation.from_answerer))
    for site, direction, octets in sides:
        ledger = ledger_name(name, "auth", direction)
        for body in _frames(bytes(octets)):
            tag = getattr(span.decode(body), "tag", None)
            if tag is not None:
                yield Use(site, ledger, tag.offset, PAD_OCTETS, body)


def _frames(octets: bytes) -> Iterator[bytes]:
    """Whole frames of a stream; what a lost connection left of the last is no message."""
    at = 0
    while at + HEADER_OCTETS <= len(octets):
        end = at + HEADER_OCTETS + int.from_bytes(octets[at : at + HEADER_OCTETS], "big")
        if end <= len(octets):
            yield octets[at + HEADER_OCTETS : end]
        at = end
