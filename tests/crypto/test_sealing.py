"""Sealing against the published vectors of XAES-256-GCM (C2SP XAES-256-GCM.md)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.crypto.sealing import Sealer
from haris.nouns.errors import ParameterError, StoreError

NONCE = b"ABCDEFGHIJKLMNOPQRSTUVWX"


@pytest.mark.parametrize(
    ("key", "row", "sealed"),
    [
        (b"\x01" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (b"\x03" * 32, b"c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
    ],
)
def test_published_vectors(key, row, sealed):
    sealer = Sealer(key, lambda n: NONCE[:n])
    assert sealer.seal(b"XAES-256-GCM", row) == NONCE + bytes.fromhex(sealed)
    assert sealer.unseal(NONCE + bytes.fromhex(sealed), row) == b"XAES-256-GCM"


@given(st.binary(max_size=80), st.binary(max_size=40), st.integers(0, 10**6), st.integers(1, 255))
def test_a_change_anywhere_is_seen(secret, row, at, flip):
    sealer = Sealer(bytes(32), lambda n: NONCE[:n])
    sealed = bytearray(sealer.seal(secret, row))
    assert sealer.unseal(bytes(sealed), row) == secret
    with pytest.raises(StoreError):
        sealer.unseal(bytes(sealed), row + b"!")
    sealed[at % len(sealed)] ^= flip
    with pytest.raises(StoreError):
        sealer.unseal(bytes(sealed), row)


def test_wrong_keys_and_short_boxes_are_refused():
    with pytest.raises(ParameterError, match="32 octets"):
        Sealer(bytes(16), bytes)
    for n_octets in range(0, 40, 4):
        with pytest.raises(StoreError):
            Sealer(bytes(32), bytes).unseal(bytes(n_octets), b"")
