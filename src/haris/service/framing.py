"""The frames of a tunnel, inside TLS: one octet of kind, four of length, the payload; integers are big-endian.

A stream is counted in octets from 0 in each direction, over all epochs. Offsets make every loss, repetition and
disorder visible at the first frame that suffers it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from haris.nouns.errors import PeerError

MAX_DATA_OCTETS = 1 << 14
SESSION_OCTETS = 32
_MAX_PAYLOAD_OCTETS = MAX_DATA_OCTETS + 8
_INTRODUCE, _DATA, _SWITCH, _CLOSE, _REKEY = range(5)


@dataclass(frozen=True, slots=True)
class Introduce:
    """Who speaks, for which epoch of which session: the first frame in each direction of a connection."""

    session: bytes
    epoch: int
    certificate: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """Octets of the application; offset: of the first of them in their stream."""

    offset: int
    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Switch:
    """The stream goes on at this offset in the next epoch: nothing of it follows here."""

    offset: int


@dataclass(frozen=True, slots=True)
class Close:
    """The stream ends at this offset; the other direction may go on."""

    offset: int


@dataclass(frozen=True, slots=True)
class Rekey:
    """The listener asks the connector for the next epoch."""


Frame = Introduce | Data | Switch | Close | Rekey


def encode(frame: Frame) -> bytes:
    """The octets of one frame."""
    match frame:
        case Data(offset, octets):
            kind, payload = _DATA, offset.to_bytes(8, "big") + octets
        case Switch(offset):
            kind, payload = _SWITCH, offset.to_bytes(8, "big")
        case Close(offset):
            kind, payload = _CLOSE, offset.to_bytes(8, "big")
        case Rekey():
            kind, payload = _REKEY, b""
        case Introduce(session, epoch, certificate, signature):
            head = session + epoch.to_bytes(4, "big") + len(certificate).to_bytes(2, "big")
            kind, payload = _INTRODUCE, head + certificate + signature
    return bytes([kind]) + len(payload).to_bytes(4, "big") + payload


class FrameDecoder:
    """Cuts a stream of plaintext into frames; anything else than a frame raises PeerError."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, plaintext: bytes) -> list[Frame]:
        """The frames that plaintext completes."""
        self._rest += plaintext
        frames, at = [], 0
        while len(self._rest) - at >= 5:
            length = int.from_bytes(self._rest[at + 1 : at + 5], "big")
            if length > _MAX_PAYLOAD_OCTETS:
                raise PeerError(f"a frame of {length} octets; {_MAX_PAYLOAD_OCTETS} are allowed")
            if len(self._rest) - at - 5 < length:
                break
            frames.append(_decode(self._rest[at], bytes(self._rest[at + 5 : at + 5 + length])))
            at += 5 + length
        del self._rest[:at]
        return frames

    @property
    def empty(self) -> bool:
        """No torn frame waits for its end."""
        return not self._rest


def _decode(kind: int, payload: bytes) -> Frame:
    if kind == _DATA and len(payload) > 8:
        return Data(int.from_bytes(payload[:8], "big"), payload[8:])
    if kind in (_SWITCH, _CLOSE) and len(payload) == 8:
        offset = int.from_bytes(payload, "big")
        return Switch(offset) if kind == _SWITCH else Close(offset)
    if kind == _REKEY and not payload:
        return Rekey()
    if kind == _INTRODUCE and len(payload) >= SESSION_OCTETS + 6:
        head, body = payload[: SESSION_OCTETS + 6], payload[SESSION_OCTETS + 6 :]
        n_certificate = int.from_bytes(head[-2:], "big")
        if n_certificate <= len(body):
            epoch = int.from_bytes(head[SESSION_OCTETS:-2], "big")
            return Introduce(head[:SESSION_OCTETS], epoch, body[:n_certificate], body[n_certificate:])
    raise PeerError(f"a frame of kind {kind} with {len(payload)} octets means nothing here")
