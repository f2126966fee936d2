"""ETSI GS QKD 004 V2.1.1 in octets: the messages of wire/etsi004.py, read strictly and written, in both dialects.

A server reads requests (ParameterError: its caller is wrong), a client reads answers (PeerError).
"""

from __future__ import annotations

import struct
from uuid import UUID

from haris.nouns.errors import HarisError, ParameterError, PeerError
from haris.wire.etsi004 import (
    FIXED,
    HEADER_OCTETS,
    MAX_ANSWER_OCTETS,
    MAX_METADATA_OCTETS,
    MAX_REQUEST_OCTETS,
    MAX_URI_OCTETS,
    MIMETYPE_OCTETS,
    OPENED,
    TERMINATED,
    Answer,
    Close,
    Closed,
    Dialect,
    Framing,
    GetKey,
    Header,
    KeyGiven,
    OpenConnect,
    Opened,
    QoS,
    Request,
    Service,
    Status,
    framing_of,
    is_text,
)

_INFO_OCTETS = 2
_QOS_NUMBERS = struct.Struct(">7I")


def read_header(octets: bytes, wrong: type[HarisError] = ParameterError) -> Header:
    """The header of a message. Raises wrong for an unknown version or type, and for a payload beyond its bound."""
    if len(octets) != HEADER_OCTETS:
        raise wrong(f"a header has {HEADER_OCTETS} octets, got {len(octets)}")
    version, length = (octets[0], octets[1], octets[2]), int.from_bytes(octets[4:], "big")
    if version[0] not in (FIXED.version[0], TERMINATED.version[0]):
        raise wrong(f"version {'.'.join(map(str, version))} is not spoken here")
    try:
        service = Service(octets[3])
    except ValueError:
        raise wrong(f"no message has the type 0x{octets[3]:02x}") from None
    at_most = MAX_REQUEST_OCTETS if wrong is ParameterError else MAX_ANSWER_OCTETS
    if length > at_most:
        raise wrong(f"a payload of {length} octets was announced, at most {at_most} are taken")
    return Header(version, service, length)


# Requests


def read_request(header: Header, payload: bytes) -> tuple[Request, Framing]:
    """A request, and how its caller speaks. Raises ParameterError for any other form or type.

    OPEN_CONNECT tells the dialect by its own structure; where both fit, and in every other request, the version does.
    """
    reader, framing = _Reader(payload, ParameterError), framing_of(header.version)
    request: Request
    if header.service is Service.OPEN_CONNECT:
        request, dialect = _read_open_connect(reader, framing.dialect)
        framing = Framing(dialect, header.version)
    elif header.service is Service.GET_KEY:
        request = _read_get_key(reader)
    elif header.service is Service.CLOSE:
        request = Close(reader.uuid())
    else:
        raise ParameterError(f"a message of type {header.service.name} is not taken here")
    reader.end()
    return request, framing


def write_request(request: Request, framing: Framing) -> bytearray:
    """A request with its header."""
    if isinstance(request, OpenConnect):
        texts = b"".join(text.encode("ascii") + b"\0" for text in (request.source, request.destination))
        payload = texts + _write_qos(request.qos, framing.dialect) + request.key_stream_id.bytes
        return _framed(framing, Service.OPEN_CONNECT, payload)
    if isinstance(request, Close):
        return _framed(framing, Service.CLOSE, request.key_stream_id.bytes)
    info = b"" if request.key_info is None else bytes(request.key_info)
    size = request.metadata_octets if request.key_info is None else len(info)
    payload = request.key_stream_id.bytes + struct.pack(">II", request.index, size) + info
    if framing.dialect is Dialect.TERMINATED and size not in (0, _INFO_OCTETS) and size <= MAX_METADATA_OCTETS:
        payload += bytes(size)  # this dialect sends the buffer itself
    return _framed(framing, Service.GET_KEY, payload)


def _read_open_connect(reader: _Reader, by_version: Dialect) -> tuple[OpenConnect, Dialect]:
    source, destination = reader.text(MAX_URI_OCTETS), reader.text(MAX_URI_OCTETS)
    numbers = reader.numbers(7)
    field_octets = reader.left() - 16
    if field_octets < 1:
        raise ParameterError("OPEN_CONNECT ends before its Key_stream_ID")
    raw = reader.take(field_octets)
    text, _, padding = raw.partition(b"\0")
    fits = {
        Dialect.FIXED: field_octets == MIMETYPE_OCTETS and b"\0" in raw and not padding.strip(b"\0"),
        Dialect.TERMINATED: raw.find(b"\0") == field_octets - 1 < MIMETYPE_OCTETS,
    }
    dialects = [dialect for dialect, fit in fits.items() if fit]
    if not dialects:
        raise ParameterError("Metadata_mimetype is neither 256 octets padded with NUL nor a text that ends in NUL")
    qos = _qos(numbers, reader.ascii(text))
    dialect = by_version if by_version in dialects else dialects[0]
    return OpenConnect(source, destination, qos, reader.uuid()), dialect


def _read_get_key(reader: _Reader) -> GetKey:
    key_stream_id, (index, size) = reader.uuid(), reader.numbers(2)
    if not reader.left():
        return GetKey(key_stream_id, index, size)
    if reader.left() != size:
        raise ParameterError(f"GET_KEY announces {size} octets of metadata and carries {reader.left()}")
    sent = reader.take(size)
    info = (sent[0], sent[1]) if size == _INFO_OCTETS else None  # a key information, as no buffer of two octets serves
    return GetKey(key_stream_id, index, size, info)


# Answers


def write_answer(answer: Answer, framing: Framing) -> bytearray:
    """An answer with its header, in the caller's dialect and version. A buffer of its own, to be wiped."""
    full = framing.dialect is Dialect.TERMINATED
    status = struct.pack(">I", answer.status)
    if isinstance(answer, Closed):
        return _framed(framing, Service.CLOSE_ANSWER, status)
    if isinstance(answer, Opened):
        rest = _write_qos(answer.qos, framing.dialect) + answer.key_stream_id.bytes
        whole = full or answer.status in (*OPENED, Status.QOS_NOT_MET)
        return _framed(framing, Service.OPEN_CONNECT_ANSWER, status, rest if whole else b"")
    if not full and answer.status is Status.METADATA_SIZE_INSUFFICIENT:
        return _framed(framing, Service.GET_KEY_ANSWER, status, struct.pack(">I", answer.needed_octets))
    if not full and answer.status is not Status.SUCCESSFUL:
        return _framed(framing, Service.GET_KEY_ANSWER, status)
    metadata = bytes(answer.needed_octets) or answer.metadata  # as many octets as the size says follow it
    head = struct.pack(">III", answer.status, answer.index, len(answer.key))
    return _framed(framing, Service.GET_KEY_ANSWER, head, answer.key, struct.pack(">I", len(metadata)) + metadata)


def read_answer(header: Header, payload: bytes, asked: Request, dialect: Dialect) -> Answer:
    """The answer to what was asked. A refusal may be its status alone in either dialect. PeerError for another form."""
    wanted = {OpenConnect: Service.OPEN_CONNECT_ANSWER, GetKey: Service.GET_KEY_ANSWER, Close: Service.CLOSE_ANSWER}
    if header.service is not wanted[type(asked)]:
        raise PeerError(f"the answer has the type {header.service.name}")
    reader = _Reader(payload, PeerError)
    (number,) = reader.numbers(1)
    try:
        status = Status(number)
    except ValueError:
        raise PeerError(f"the answer has the unknown status {number}") from None
    if isinstance(asked, Close):
        answer: Answer = Closed(status)
    elif isinstance(asked, OpenConnect):
        answer = _read_opened(reader, status, asked, dialect)
    else:
        answer = _read_key_given(reader, status)
    reader.end()
    return answer


def _read_opened(reader: _Reader, status: Status, asked: OpenConnect, dialect: Dialect) -> Opened:
    if not reader.left() and status not in (*OPENED, Status.QOS_NOT_MET):
        return Opened(status, asked.qos, asked.key_stream_id)
    numbers = reader.numbers(7)
    if dialect is Dialect.FIXED:
        text, _, padding = reader.take(MIMETYPE_OCTETS).partition(b"\0")
        if padding.strip(b"\0"):
            raise PeerError("Metadata_mimetype is not padded with NUL")
        mimetype = reader.ascii(text)
    else:
        mimetype = reader.text(MIMETYPE_OCTETS - 1)
    try:
        return Opened(status, _qos(numbers, mimetype), reader.uuid())
    except ParameterError as error:
        raise PeerError(str(error)) from None


def _read_key_given(reader: _Reader, status: Status) -> KeyGiven:
    if status is not Status.SUCCESSFUL and reader.left() in (0, 4):
        needed = reader.numbers(1)[0] if reader.left() else 0
        return KeyGiven(status, needed_octets=needed)
    index, key_octets = reader.numbers(2)
    key = reader.take(key_octets)
    (metadata_octets,) = reader.numbers(1)
    if status is Status.METADATA_SIZE_INSUFFICIENT:
        reader.take(reader.left())
        return KeyGiven(status, index, needed_octets=metadata_octets)
    return KeyGiven(status, index, key, reader.take(metadata_octets))


# Fields


def _framed(framing: Framing, service: Service, *parts: bytes | bytearray) -> bytearray:
    header = bytes(framing.version) + bytes([service]) + struct.pack(">I", sum(map(len, parts)))
    return bytearray().join((header, *parts))


def _write_qos(qos: QoS, dialect: Dialect) -> bytes:
    text = qos.mimetype.encode("ascii")
    field_octets = MIMETYPE_OCTETS if dialect is Dialect.FIXED else len(text) + 1
    return _QOS_NUMBERS.pack(*qos.numbers()) + text.ljust(field_octets, b"\0")


def _qos(numbers: tuple[int, ...], mimetype: str) -> QoS:
    chunk_octets, max_bps, min_bps, jitter, priority, timeout_ms, ttl_s = numbers
    return QoS(chunk_octets, max_bps, min_bps, jitter, priority, timeout_ms, ttl_s, mimetype)


class _Reader:
    """A payload from front to back; raises wrong, and never reads beyond the end."""

    def __init__(self, octets: bytes, wrong: type[HarisError]) -> None:
        self._octets, self._at, self._wrong = bytes(octets), 0, wrong

    def left(self) -> int:
        return len(self._octets) - self._at

    def take(self, n_octets: int) -> bytes:
        if n_octets > self.left():
            raise self._wrong(f"a field of {n_octets} octets reaches beyond the payload")
        self._at += n_octets
        return self._octets[self._at - n_octets : self._at]

    def numbers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f">{count}I", self.take(4 * count))

    def uuid(self) -> UUID:
        return UUID(bytes=self.take(16))

    def text(self, at_most: int) -> str:
        """A text that ends in NUL."""
        end = self._octets.find(b"\0", self._at, self._at + at_most + 1)
        if end < 0:
            raise self._wrong(f"a text does not end within {at_most} octets")
        text = self.take(end - self._at)
        self.take(1)
        return self.ascii(text)

    def ascii(self, octets: bytes) -> str:
        text = octets.decode("latin-1")
        if not is_text(text):
            raise self._wrong("a text holds more than printable ASCII characters")
        return text

    def end(self) -> None:
        if self.left():
            raise self._wrong(f"{self.left()} octets follow the message")
