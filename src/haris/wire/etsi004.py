"""The messages of ETSI GS QKD 004 V2.1.1 in the TLS socket binding that its implementations share.

The standard defines three calls and no wire format. The binding is a header of 8 octets (version, three octets; type;
length of the payload) and a payload, numbers big-endian. It has two dialects, which differ in one field, the
Metadata_mimetype of the QoS, and in what a refusal carries (docs/decisions/0005-etsi004-open-points.md):

    fixed        256 octets padded with NUL; header version 1.0.1; a refusal is its status alone
    terminated   a text that ends in NUL; header version 2.1.1; a refusal has every field of an answer

Messages only; wire/etsi004_octets.py reads and writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from uuid import UUID

from haris.nouns.errors import ParameterError

PORT = 25575
HEADER_OCTETS = 8
MIMETYPE_OCTETS = 256
MAX_URI_OCTETS = 1024
MAX_METADATA_OCTETS = 1 << 16
METADATA_OCTETS = 4096
"""As much room as any metadata that is known takes."""

MAX_REQUEST_OCTETS = 24 + MAX_METADATA_OCTETS
MAX_ANSWER_OCTETS = 1 << 24
NEXT_INDEX = 0xFFFFFFFF
"""GET_KEY with this index asks for the first chunk beyond all that this end has asked for."""

NO_STREAM = UUID(int=0)
"""OPEN_CONNECT with this Key_stream_ID asks for a fresh one."""

_MAX_NUMBER = 0xFFFFFFFF


class Service(IntEnum):
    """The type of a message. ERROR and CLOSE_SERVER are known and never taken."""

    ERROR = 0x00
    OPEN_CONNECT = 0x02
    OPEN_CONNECT_ANSWER = 0x03
    GET_KEY = 0x04
    GET_KEY_ANSWER = 0x05
    CLOSE = 0x08
    CLOSE_ANSWER = 0x09
    CLOSE_SERVER = 0xFF


class Status(IntEnum):
    """The status of a call, 8.2 of the standard. 9 and above are not the standard's and never sent."""

    SUCCESSFUL = 0
    PEER_NOT_CONNECTED = 1
    INSUFFICIENT_KEY = 2
    GET_KEY_PEER_NOT_CONNECTED = 3
    NO_QKD_CONNECTION = 4
    KSID_IN_USE = 5
    TIMEOUT_ERROR = 6
    QOS_NOT_MET = 7
    METADATA_SIZE_INSUFFICIENT = 8


OPENED = (Status.SUCCESSFUL, Status.PEER_NOT_CONNECTED)
"""OPEN_CONNECT has reserved the stream."""


class Dialect(StrEnum):
    """How the mimetype is written, and what a refusal carries."""

    FIXED = "fixed"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Framing:
    """How one end speaks: the dialect, and the version in its headers."""

    dialect: Dialect
    version: tuple[int, int, int]


FIXED = Framing(Dialect.FIXED, (1, 0, 1))
TERMINATED = Framing(Dialect.TERMINATED, (2, 1, 1))


@dataclass(frozen=True, slots=True)
class QoS:
    """What a stream shall be like. key_chunk_octets: of each key. max_bps, min_bps: rate in bit/s, 0 for any.

    jitter, priority: as the caller counts them. timeout_ms: of each call. ttl_s: how long a chunk waits for its end,
    0 for ever. mimetype: of each key's metadata, empty for none.
    """

    key_chunk_octets: int
    max_bps: int = 0
    min_bps: int = 0
    jitter: int = 0
    priority: int = 0
    timeout_ms: int = 0
    ttl_s: int = 0
    mimetype: str = ""

    def __post_init__(self) -> None:
        if not all(0 <= number <= _MAX_NUMBER for number in self.numbers()):
            raise ParameterError("the numbers of a QoS have 32 bits and no sign")
        if len(self.mimetype) >= MIMETYPE_OCTETS or not is_text(self.mimetype):
            raise ParameterError(f"Metadata_mimetype is at most {MIMETYPE_OCTETS - 1} printable ASCII characters")

    def numbers(self) -> tuple[int, ...]:
        """The seven numbers in their order on the wire."""
        rates = (self.max_bps, self.min_bps, self.jitter, self.priority)
        return (self.key_chunk_octets, *rates, self.timeout_ms, self.ttl_s)


@dataclass(frozen=True, slots=True)
class Header:
    """What precedes a payload. length: of the payload in octets."""

    version: tuple[int, int, int]
    service: Service
    length: int


@dataclass(frozen=True, slots=True)
class OpenConnect:
    """Reserve a stream, or join it by its Key_stream_ID. NO_STREAM: a fresh one."""

    source: str
    destination: str
    qos: QoS
    key_stream_id: UUID = NO_STREAM

    def __post_init__(self) -> None:
        for name, uri in (("source", self.source), ("destination", self.destination)):
            if not 0 < len(uri) <= MAX_URI_OCTETS or not is_text(uri):
                raise ParameterError(f"the {name} is 1 to {MAX_URI_OCTETS} printable ASCII characters")


@dataclass(frozen=True, slots=True)
class GetKey:
    """Ask for the chunk at index. metadata_octets: size of the caller's buffer for metadata.

    key_info: what a caller of the terminated dialect puts into the metadata that it sends (type, role); it then says
    nothing of its buffer.
    """

    key_stream_id: UUID
    index: int = NEXT_INDEX
    metadata_octets: int = METADATA_OCTETS
    key_info: tuple[int, int] | None = None

    @property
    def room_octets(self) -> int:
        """The largest metadata that the caller takes."""
        return self.metadata_octets if self.key_info is None else MAX_METADATA_OCTETS


@dataclass(frozen=True, slots=True)
class Close:
    """End this end of a stream."""

    key_stream_id: UUID


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to OPEN_CONNECT. qos: as it holds, or proposed instead (status 7)."""

    status: Status
    qos: QoS
    key_stream_id: UUID = NO_STREAM


@dataclass(frozen=True, slots=True)
class KeyGiven:
    """The answer to GET_KEY. needed_octets: with status 8, the smallest metadata buffer that would do.

    key: the holder's to wipe where it is a bytearray.
    """

    status: Status
    index: int = 0
    key: bytes | bytearray = field(default=b"", repr=False)
    metadata: bytes = b""
    needed_octets: int = 0


@dataclass(frozen=True, slots=True)
class Closed:
    """The answer to CLOSE."""

    status: Status


Request = OpenConnect | GetKey | Close
Answer = Opened | KeyGiven | Closed


def framing_of(version: tuple[int, int, int]) -> Framing:
    """How a caller speaks who has shown no more than its version."""
    return Framing(FIXED.dialect if version[0] == FIXED.version[0] else TERMINATED.dialect, version)


def is_text(text: str) -> bool:
    """Whether a text may stand in a message: printable ASCII."""
    return text.isascii() and (text.isprintable() or not text)
