"""Sealing against the published vectors of XAES-256-GCM (C2SP XAES-256-GCM.md)."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.crypto import sealing
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
    halves = iter((NONCE[:12], NONCE[12:]))
    sealer = Sealer(key, lambda n: next(halves))
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


def test_a_prefix_is_drawn_anew_in_time(monkeypatch):
    monkeypatch.setattr(sealing, "ROWS_A_PREFIX", 3)
    sealer = Sealer(bytes(32), os.urandom)
    boxes = [sealer.seal(b"secret", b"row") for _ in range(7)]
    assert [len({box[:12] for box in boxes[a:b]}) for a, b in ((0, 3), (3, 6), (6, 7), (0, 7))] == [1, 1, 1, 3]
    assert len({box[12:24] for box in boxes}) == 7
    assert all(Sealer(bytes(32), os.urandom).unseal_into(box, b"row") == b"secret" for box in boxes)
