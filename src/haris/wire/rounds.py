"""Records of rounds, as a device hands them over: how each round was set and what came out; and orders of settings.

A stream of octets: a character device, a fifo, a serial line, a file, or an appliance's answers one behind the other.
All numbers are little-endian. docs/reference/rounds.md has the table. A device writes records. Where haris chooses the
settings it writes orders, which are records without outcomes, and the device's record bears the order's number.
Messages only: nothing here is known of sources.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.raw_rounds import (
    RawRounds,
    Settings,
    packed_settings,
    require_settings_number,
    settings_octets,
    unpacked_settings,
)
from haris.nouns.raw_samples import code_type

MAGIC, VERSION = b"HRND", 1
MOST_ROUNDS = 2**24
"""Of one record."""
_HEADER = struct.Struct("<4sBBBxHHIQ")
_CHECK = struct.Struct("<I")
HEADER_OCTETS = _HEADER.size + _CHECK.size


@dataclass(frozen=True, slots=True)
class Header:
    """kind: of the source, a number that its form has. bits: of an outcome; 0: an order. n_settings: that there are.
    n_rounds: of this record, at least 1. number: of the record, one more than that of the record before.
    Raises ParameterError on what is out of range.
    """

    kind: int
    bits: int
    n_settings: int
    n_rounds: int
    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.kind <= 255:
            raise ParameterError(f"kind must lie in [0, 255], got {self.kind}")
        if self.bits:
            code_type(self.bits)
        require_settings_number(self.n_settings)
        if not 1 <= self.n_rounds <= MOST_ROUNDS:
            raise ParameterError(f"n_rounds must lie in [1, 2^24], got {self.n_rounds}")
        if not 0 <= self.number < 2**64:
            raise ParameterError(f"number must lie in [0, 2^64), got {self.number}")

    @property
    def outcome_octets(self) -> int:
        """Of all outcomes: one each of up to 8 bits, else two; none in an order."""
        return self.n_rounds * np.dtype(code_type(self.bits)).itemsize if self.bits else 0

    @property
    def body_octets(self) -> int:
        """Outcomes, settings, and their check sum."""
        return self.outcome_octets + settings_octets(self.n_rounds, self.n_settings) + _CHECK.size


def write_header(header: Header) -> bytes:
    """Its octets."""
    octets = _HEADER.pack(
        MAGIC, VERSION, header.kind, header.bits, header.n_settings, 0, header.n_rounds, header.number
    )
    return octets + _CHECK.pack(zlib.crc32(octets))


def read_header(octets: bytes | bytearray | memoryview) -> Header:
    """From write_header. Raises PeerError on anything else."""
    if len(octets) != HEADER_OCTETS:
        raise PeerError(f"a header of rounds is {HEADER_OCTETS} octets, got {len(octets)}")
    magic, version, kind, bits, n_settings, reserved, n_rounds, number = _HEADER.unpack_from(octets)
    if magic != MAGIC:
        raise PeerError("no record of rounds begins here")
    if _CHECK.unpack_from(octets, _HEADER.size)[0] != zlib.crc32(octets[: _HEADER.size]):
        raise PeerError("the check sum of a header of rounds is wrong")
    if version != VERSION or reserved or octets[7]:
        raise PeerError(f"records of rounds must be of version {VERSION}, got {version}")
    try:
        return Header(kind, bits, n_settings, n_rounds, number)
    except ParameterError as error:
        raise PeerError(f"a record of rounds: {error}") from None


def write_record(rounds: RawRounds, kind: int, number: int) -> bytes:
    """A record of all of them. Raises ParameterError unless they are 1 to 2^24."""
    outcomes = rounds.outcomes.astype(rounds.outcomes.dtype.newbyteorder("<"), copy=False).tobytes()
    packed = packed_settings(rounds.settings, rounds.n_settings)
    return _signed(Header(kind, rounds.bits, rounds.n_settings, len(rounds), number), outcomes + packed)


def write_order(settings: Settings, n_settings: int, kind: int, number: int) -> bytes:
    """An order: settings of rounds that are to come. Raises ParameterError unless they are 1 to 2^24."""
    return _signed(Header(kind, 0, n_settings, len(settings), number), packed_settings(settings, n_settings))


def _signed(header: Header, body: bytes) -> bytes:
    return write_header(header) + body + _CHECK.pack(_body_check(header, body))


def _body_check(header: Header, body: bytes | memoryview) -> int:
    """Of the header without its own check sum, and the body: with it, a header would not tell in the sum."""
    return zlib.crc32(body, zlib.crc32(write_header(header)[: _HEADER.size]))


def read_body(header: Header, octets: bytes | bytearray | memoryview) -> tuple[bytes, Settings]:
    """Octets of the outcomes, and the settings. Raises PeerError on anything that write_record has not made."""
    if len(octets) != header.body_octets:
        raise PeerError(f"the body of a record must be {header.body_octets} octets, got {len(octets)}")
    view = memoryview(octets)
    if _CHECK.unpack(view[-_CHECK.size :])[0] != _body_check(header, view[: -_CHECK.size]):
        raise PeerError(f"the check sum of record {header.number} is wrong: it is torn")
    packed = view[header.outcome_octets : -_CHECK.size]
    try:
        settings = unpacked_settings(packed, header.n_rounds, header.n_settings)
    except ParameterError as error:
        raise PeerError(f"record {header.number}: {error}") from None
    if int(settings.max()) >= header.n_settings:
        raise PeerError(f"record {header.number}: settings must be below {header.n_settings}, got {settings.max()}")
    return bytes(view[: header.outcome_octets]), settings


def read_rounds(header: Header, octets: bytes | bytearray | memoryview) -> RawRounds:
    """The rounds of a record. Raises PeerError as read_body, for an order, and for an outcome that does not fit."""
    if not header.bits:
        raise PeerError("an order has no outcomes")
    outcomes, settings = read_body(header, octets)
    wanted = np.dtype(code_type(header.bits))
    codes = np.frombuffer(outcomes, wanted.newbyteorder("<")).astype(wanted, copy=False)
    try:
        return RawRounds(codes, header.bits, settings, header.n_settings)
    except ParameterError as error:
        raise PeerError(f"record {header.number}: {error}") from None
