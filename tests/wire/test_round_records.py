import struct
import zlib

import numpy as np
import pytest

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.raw_rounds import RawRounds
from haris.wire.rounds import HEADER_OCTETS, Header, read_body, read_header, read_rounds, write_order, write_record

ROUNDS = RawRounds(np.array([1, 0x1234, 7], np.uint16), 14, np.array([0, 1, 1], np.uint8), 2)


def test_a_record_octet_by_octet():
    """The table of docs/reference/rounds.md."""
    header = b"HRND\x01\x01\x0e\x00" + struct.pack("<HHIQ", 2, 0, 3, 9)
    body = b"\x01\x00\x34\x12\x07\x00" + b"\x06"
    wanted = header + struct.pack("<I", zlib.crc32(header)) + body
    wanted += struct.pack("<I", zlib.crc32(header + body))
    assert write_record(ROUNDS, 1, 9) == wanted
    read = read_header(wanted[:HEADER_OCTETS])
    assert read == Header(1, 14, 2, 3, 9)
    rounds = read_rounds(read, wanted[HEADER_OCTETS:])
    assert rounds.outcomes.tolist() == [1, 0x1234, 7]
    assert rounds.settings.tolist() == [0, 1, 1]


def test_an_order_is_a_record_without_outcomes():
    octets = write_order(ROUNDS.settings, 2, 1, 5)
    header = read_header(octets[:HEADER_OCTETS])
    assert (header.bits, header.number) == (0, 5)
    outcomes, settings = read_body(header, octets[HEADER_OCTETS:])
    assert (outcomes, settings.tolist()) == (b"", [0, 1, 1])
    with pytest.raises(PeerError, match="no outcomes"):
        read_rounds(header, octets[HEADER_OCTETS:])


def test_a_bit_that_flips_anywhere_is_seen():
    octets = write_record(ROUNDS, 1, 9)
    for at in range(8 * len(octets)):
        broken = bytearray(octets)
        broken[at // 8] ^= 1 << at % 8
        with pytest.raises(PeerError):
            read_rounds(read_header(broken[:HEADER_OCTETS]), broken[HEADER_OCTETS:])


def test_the_body_of_another_record_is_seen():
    """Its check sum goes over the header, too."""
    one, other = (write_record(ROUNDS, 1, number) for number in (9, 10))
    with pytest.raises(PeerError, match="it is torn"):
        read_rounds(read_header(one[:HEADER_OCTETS]), other[HEADER_OCTETS:])


def signed(**changes):
    """A header with its check sum right."""
    fields = {"magic": b"HRND", "version": 1, "kind": 1, "bits": 14, "r0": 0, "n": 2, "r1": 0, "rounds": 3, "number": 9}
    octets = struct.pack("<4sBBBBHHIQ", *{**fields, **changes}.values())
    return octets + struct.pack("<I", zlib.crc32(octets))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version": 2}, "version 1"),
        ({"r0": 1}, "version 1"),
        ({"r1": 1}, "version 1"),
        ({"bits": 17}, "bits must lie"),
        ({"n": 1}, "n_settings"),
        ({"n": 257}, "n_settings"),
        ({"rounds": 0}, "n_rounds"),
        ({"rounds": 2**24 + 1}, "n_rounds"),
    ],
)
def test_a_header_that_is_out_of_range_is_refused(changes, why):
    with pytest.raises(PeerError, match=why):
        read_header(signed(**changes))


def test_outcomes_and_settings_that_do_not_fit_are_refused():
    for body, n_settings, why in ((b"\xff\x7f" * 3 + b"\x06", 2, r"below 2\^14"), (b"\0" * 6 + b"\x3f", 3, "below 3")):
        octets = signed(n=n_settings) + body
        with pytest.raises(PeerError, match=why):
            read_rounds(read_header(octets[:HEADER_OCTETS]), body + struct.pack("<I", zlib.crc32(octets[:24] + body)))
    with pytest.raises(ParameterError, match="n_rounds"):
        write_record(ROUNDS.part(0, 0), 1, 0)
