"""The messages that pair a maker's keys: what is written is read, and nothing else is."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import PeerError
from haris.wire import vendor
from haris.wire.span import Tag

OFFER = vendor.Offer(["k1", "k2"], bytes(20), Tag(64, bytes(16)))


@pytest.mark.parametrize("message", [OFFER, vendor.Answer("same"), vendor.Answer("absent", "the box is off")])
def test_what_is_written_is_read(message: vendor.Message) -> None:
    assert vendor.decode(vendor.encode(message)) == message


@pytest.mark.parametrize(
    "changes",
    [
        {"names": []},
        {"names": [""]},
        {"names": ["k" * 129]},
        {"names": [f"{i}" for i in range(vendor.MAX_KEYS + 1)]},
        {"allotment": bytes(19)},
    ],
)
def test_an_offer_beyond_its_bounds_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(PeerError, match="a vendor's block"):
        vendor.decode(vendor.encode(msgspec.structs.replace(OFFER, **changes)))


@given(st.binary(max_size=200))
def test_nonsense_is_refused_as_the_peers(octets: bytes) -> None:
    try:
        vendor.decode(octets)
    except PeerError:
        return
    assert vendor.encode(vendor.decode(octets))  # a message by chance


@given(st.integers(0, len(vendor.encode(OFFER)) - 1), st.integers(1, 255))
def test_a_changed_octet_never_raises_anything_else(place: int, change: int) -> None:
    octets = bytearray(vendor.encode(OFFER))
    octets[place] ^= change
    with contextlib.suppress(PeerError):
        assert vendor.decode(bytes(octets)) != OFFER
