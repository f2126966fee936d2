"""FIX 4.4 on the wire: strict framing of tag=value messages (FIX 4.4, volume 2; tags in volume 6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

import simplefix

from haris.nouns.errors import PeerError

SOH = b"\x01"
BEGIN_STRING = b"FIX.4.4"
MAX_BODY_OCTETS = 1 << 16
HEADER_TAGS = frozenset({8, 9, 35, 49, 56, 34, 52, 43, 97, 122})
"""Tags of the standard header that a session writes itself."""

_START = b"8=" + BEGIN_STRING + SOH + b"9="
_BODY_LENGTH = re.compile(rb"8=FIX\.4\.4\x019=([0-9]{1,6})\x01")
_TRAILER = re.compile(rb"10=([0-9]{3})\x01")
_TRAILER_OCTETS = 7

Field = tuple[int, bytes]


class FixMessage:
    """One message that has been checked. Fields keep their order; the first of a repeated tag counts."""

    def __init__(self, parsed: simplefix.FixMessage) -> None:
        self.fields: tuple[Field, ...] = tuple((int(tag), bytes(value)) for tag, value in parsed.pairs)

    def get(self, tag: int) -> str | None:
        """The value of a tag; None when it is absent."""
        return next((value.decode("latin-1") for at, value in self.fields if at == tag), None)

    def text(self, tag: int) -> str:
        """The value of a tag that must be there; PeerError when it is not."""
        value = self.get(tag)
        if value is None:
            raise PeerError(f"a FIX message of type {self.get(35)} lacks tag {tag}")
        return value

    def number(self, tag: int) -> int:
        """The value of a tag that must be a number from 0."""
        value = self.text(tag)
        if not value.isdecimal() or len(value) > 9:
            raise PeerError(f"tag {tag} of a FIX message must be a number, got {value[:20]!r}")
        return int(value)


class FixReader:
    """Cuts a stream into messages; a wrong BeginString, BodyLength, CheckSum or field raises PeerError."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> list[FixMessage]:
        """The messages that octets complete."""
        self._rest += octets
        messages = []
        while (end := _message_end(self._rest)) is not None:
            messages.append(_parse(self._rest[:end]))
            self._rest = self._rest[end:]
        return messages

    @property
    def empty(self) -> bool:
        """No torn message waits for its end."""
        return not self._rest


def write_message(fields: Iterable[Field]) -> bytes:
    """One message from its fields, MsgType (35) first; BeginString, BodyLength and CheckSum are added."""
    message = simplefix.FixMessage()
    message.append_pair(8, BEGIN_STRING)
    for tag, value in fields:
        message.append_pair(tag, value)
    return bytes(message.encode())


def utc_timestamp(now_ns: int) -> bytes:
    """A UTCTimestamp to the millisecond; now_ns: wall clock, nanoseconds since 1970."""
    seconds, rest_ns = divmod(now_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%d-%H:%M:%S}.{rest_ns // 10**6:03d}".encode()


def _message_end(octets: bytes) -> int | None:
    """Length of the first message, its trailer included; None while it is incomplete."""
    if not octets.startswith(_START[: len(octets)]):
        raise PeerError("a FIX message must begin with 8=FIX.4.4 and its BodyLength")
    head = _BODY_LENGTH.match(octets)
    if head is None:
        if len(octets) > len(_START) + 6:
            raise PeerError("a FIX message without a proper BodyLength")
        return None
    body_octets = int(head[1])
    if body_octets > MAX_BODY_OCTETS:
        raise PeerError(f"a FIX message of {body_octets} octets; {MAX_BODY_OCTETS} are allowed")
    end = head.end() + body_octets + _TRAILER_OCTETS
    return end if len(octets) >= end else None


def _parse(octets: bytes) -> FixMessage:
    body, trailer = octets[:-_TRAILER_OCTETS], octets[-_TRAILER_OCTETS:]
    stated = _TRAILER.fullmatch(trailer)
    if stated is None or not body.endswith(SOH):
        raise PeerError("the BodyLength of a FIX message does not lead to its CheckSum")
    if int(stated[1]) != sum(body) % 256:
        raise PeerError(f"CheckSum of a FIX message is {sum(body) % 256:03d}, it says {stated[1].decode()}")
    parser = simplefix.FixParser()
    parser.append_buffer(octets)
    try:
        parsed = parser.get_message()
    except simplefix.errors.ParsingError:
        parsed = None
    if parsed is None or parser.get_buffer() or parsed.pairs[2][0] != b"35":
        raise PeerError("a FIX message with a field in a wrong form")
    return FixMessage(parsed)
