"""Witness: the ClientHello of RFC 8448, section 4 (resumed 0-RTT handshake), and OpenSSL's own hellos."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import PeerError
from haris.wire.client_hello import PSK_DHE_KE, parse_client_hello

# RFC 8448, section 4, "{client} send handshake record", payload (512 octets).
RFC_8448_RESUMED = bytes.fromhex(
    """
    16030102000100 01fc03031bc3ceb6bbe39cff938355b5a50adb6db21b7a6af649d7b4bc419d7876487d9500000613
    01130313020100 01cd0000000b0009000006736572766572ff01000100000a00140012001d00170018001901000101
    010201030104 00330026 0024001d0020e4ffb68ac05f8d96c99da26698346c6be16482badddafe051a66b4f18d66
    8f0b 002a0000 002b00030203 04 000d0020001e0403050306030203080408050806040105010601020104020502
    06020202 002d00020101 001c00024001 00150057 """
    + "00" * 0x57
    + """ 002900dd00b800b22c035d829359ee5ff7af4ec900000000262a6494dc486d2c8a34cb33fa90bf1b0070ad3c
    498883c9367c09a2be785abc55cd226097a3a982117283f82a03a143efd3ff5dd36d64e861be7fd61d2827db279cce14
    5077d454a3664d4e6da4d29ee03725a6a4dafcd0fc67d2aea70529513e3da2677fa5906c5b3f7d8f92f228bda40dda72
    1470f9fbf297b5aea617646fac5c03272e970727c621a79141ef5f7de6505e5bfbc388e93343694093934ae4d357fad6
    aacb 0021203add4fb2d8fdf822a0ca3cf7678ef5e88dae990141c5924d57bb6fa31b9e5f9d """
)


def test_rfc_8448_resumed_hello():
    hello = parse_client_hello(RFC_8448_RESUMED)
    assert hello.versions == (0x0304,)
    assert hello.cipher_suites == (0x1301, 0x1303, 0x1302)
    assert hello.groups[:2] == (0x001D, 0x0017)
    assert hello.psk_modes == (PSK_DHE_KE,)
    assert hello.early_data
    assert [len(identity) for identity in hello.psk_identities] == [0xB2]


def test_every_prefix_asks_for_more():
    assert all(parse_client_hello(RFC_8448_RESUMED[:n]) is None for n in range(len(RFC_8448_RESUMED)))


def test_a_hello_in_two_records_is_the_same_hello():
    body = RFC_8448_RESUMED[5:]
    halves = [body[:100], body[100:]]
    split = b"".join(b"\x16\x03\x03" + len(h).to_bytes(2, "big") + h for h in halves)
    assert parse_client_hello(split) == parse_client_hello(RFC_8448_RESUMED)


@given(st.binary(max_size=400))
def test_noise_is_none_or_a_peer_error(octets: bytes):
    with contextlib.suppress(PeerError):
        assert parse_client_hello(octets) is None


@given(st.integers(5, len(RFC_8448_RESUMED) - 1), st.integers(0, 255))
def test_one_changed_octet_never_raises_anything_else(at: int, value: int):
    octets = bytearray(RFC_8448_RESUMED)
    octets[at] = value
    with contextlib.suppress(PeerError):
        parse_client_hello(bytes(octets))


@pytest.mark.parametrize(
    "octets",
    [b"GET / HTTP/1.1\r\n", b"\x15\x03\x03\x00\x02", b"\x16\x03\x03\x00\x00", b"\x16\x03\x03\x00\x05\x02\0\0\1\0"],
)
def test_what_cannot_become_a_hello_is_refused_at_once(octets: bytes):
    with pytest.raises(PeerError):
        parse_client_hello(octets)
