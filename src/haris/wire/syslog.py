"""Syslog messages (RFC 5424), alone in a datagram (RFC 5426) or counted in a stream (RFC 6587, RFC 5425)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from haris.nouns.errors import ParameterError
from haris.nouns.lines import one_line
from haris.nouns.times import write_time

ENTERPRISE = 32473
"""The private enterprise number for documentation (RFC 5612); haris has none of its own."""

FACILITIES = {f"local{number}": 16 + number for number in range(8)} | {"daemon": 3, "audit": 13}
MAX_DATAGRAM_OCTETS = 2048
"""What every receiver should take (RFC 5424, 6.1)."""

_BOM = b"\xef\xbb\xbf"


class Level(IntEnum):
    """Severities of RFC 5424, 6.2.1."""

    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6


@dataclass(frozen=True, slots=True)
class Element:
    """A structured data element. id: such as `alarm` (RFC 5674) or `haris@32473`. items: names and values."""

    id: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SyslogMessage:
    """One message. kind: its MSGID. text: for a person."""

    level: Level
    time_ns: int
    kind: str
    data: tuple[Element, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who sends. host: its name or address. process: its number. Raises ParameterError for an unknown facility."""

    facility: str
    host: str
    process: str

    def __post_init__(self) -> None:
        if self.facility not in FACILITIES:
            raise ParameterError(f"facility is one of {', '.join(FACILITIES)}, got {self.facility!r}")


def write_syslog(speaker: Speaker, message: SyslogMessage) -> bytes:
    """The octets of a message, without framing."""
    priority = 8 * FACILITIES[speaker.facility] + message.level
    host, process, kind = (
        _printable(text, n) for text, n in ((speaker.host, 255), (speaker.process, 128), (message.kind, 32))
    )
    header = f"<{priority}>1 {write_time(message.time_ns)} {host} haris {process} {kind}"
    data = "".join(_element(element) for element in message.data) or "-"
    return f"{header} {data} ".encode() + _BOM + one_line(message.text).encode("utf-8", "replace")


def counted(octets: bytes) -> bytes:
    """A message as it stands in a stream: its length in octets, a space, and it."""
    return b"%d %b" % (len(octets), octets)


def datagram(octets: bytes) -> bytes:
    """A message cut to what every receiver takes, at the end of a character."""
    return octets[:MAX_DATAGRAM_OCTETS].decode("utf-8", "ignore").encode()


def _element(element: Element) -> str:
    items = "".join(f' {_name(name)}="{_escaped(value)}"' for name, value in element.items)
    return f"[{_name(element.id)}{items}]"


def _name(text: str) -> str:
    return re.sub(r'[^\x21-\x7e]|[=\]"]', "_", text)[:32]


def _escaped(value: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", one_line(value)).encode("utf-8", "replace").decode()


def _printable(text: str, n: int) -> str:
    return re.sub(r"[^\x21-\x7e]", "_", text)[:n] or "-"
