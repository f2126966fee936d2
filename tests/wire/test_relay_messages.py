"""Messages of key relay: one spelling, and nothing else is understood."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire.relay import (
    RelayAsk,
    RelayCarried,
    RelayDone,
    RelayHeld,
    RelayKeys,
    RelayKeysInContacts,
    RelayRefused,
    RelayWhether,
    RelayWhole,
    decode,
    encode,
)

RELAY = UUID("12345678-1234-4234-8234-123456789abc")
PROOFS = st.builds(
    Proof, st.text(max_size=8), st.text(max_size=8), st.booleans(), st.lists(st.text(max_size=8)).map(tuple)
)
PEDIGREES = st.builds(
    Pedigree,
    st.one_of(st.none(), st.floats(0, 1)),
    st.sampled_from(Origin),
    PROOFS,
    st.integers(1, 15),
    st.just("its reason"),
)
MESSAGES = st.one_of(
    st.builds(
        RelayAsk,
        st.uuids(),
        st.one_of(st.none(), st.binary(min_size=32, max_size=32)),
        st.one_of(st.none(), st.binary(min_size=16, max_size=16)),
    ),
    st.builds(RelayHeld, st.uuids(), st.integers(0, 7)),
    st.builds(
        RelayDone,
        st.uuids(),
        st.one_of(st.none(), PEDIGREES),
        st.lists(st.integers(0, 7), max_size=8).map(tuple),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(RelayCarried, st.uuids(), st.integers(0, 7), st.one_of(st.none(), st.integers(0, 1 << 61))),
    st.builds(RelayRefused, st.uuids(), st.integers(0, 7)),
    st.builds(RelayWhether, st.lists(st.uuids(), min_size=1, max_size=3).map(tuple)),
    st.builds(RelayWhole, st.lists(st.uuids(), max_size=3).map(tuple)),
    st.builds(
        RelayKeysInContacts,
        relay=st.uuids(),
        share=st.integers(0, 2),
        shares=st.integers(3, 8),
        path=st.just(("bank", "middle", "exchange")),
        ledger=st.just("north/relay/ab"),
        offset=st.integers(0, 1 << 40),
        ciphertext=st.binary(min_size=48, max_size=48),
        until_ns=st.integers(0, 1 << 61),
    ),
    st.builds(
        RelayKeys,
        relay=st.uuids(),
        share=st.integers(0, 2),
        shares=st.integers(3, 8),
        path=st.just(("bank", "middle", "exchange")),
        ledger=st.just("north/relay/ab"),
        offset=st.integers(0, 1 << 40),
        ciphertext=st.binary(min_size=48, max_size=48),
        pedigree=st.one_of(st.none(), PEDIGREES),
        seal=st.one_of(st.none(), st.binary(min_size=16, max_size=16)),
    ),
)


def keys(**changes: object) -> RelayKeys:
    items = {"relay": RELAY, "path": ("a", "b"), "ledger": "l", "offset": 0, "ciphertext": bytes(48)} | {
        "share": 0,
        "shares": 1,
    }
    return RelayKeys(**(items | changes))  # type: ignore[arg-type]


@given(MESSAGES)
def test_messages_return(message: RelayKeys | RelayAsk | RelayDone) -> None:
    assert decode(encode(message)) == message


def test_a_release_that_knows_no_contacts_reads_what_it_always_read() -> None:
    plain = msgspec.msgpack.decode(encode(keys()))
    assert "until_ns" not in plain
    later = RelayKeysInContacts(**{name: getattr(keys(), name) for name in RelayKeys.__struct_fields__}, until_ns=7)
    assert later.sealed_octets() != keys().sealed_octets()
    assert msgspec.structs.replace(later, until_ns=8).sealed_octets() != later.sealed_octets()  # the tag covers it


@given(st.binary(max_size=64))
def test_noise_is_a_peer_error(octets: bytes) -> None:
    with pytest.raises(PeerError):
        decode(octets)


@pytest.mark.parametrize(
    "change",
    [
        {"path": ["a"]},
        {"path": ["a", "a"]},
        {"path": ["a", "b/c"]},
        {"path": [f"s{i}" for i in range(17)]},
        {"offset": -1},
        {"offset": 0.0},
        {"ciphertext": b""},
        {"ciphertext": bytes(32)},
        {"ciphertext": bytes(33)},
        {"ciphertext": bytes(16)},
        {"ciphertext": bytes(32 * 1025 + 16)},
        {"share": 1},
        {"share": -1},
        {"shares": 0},
        {"shares": 9},
        {"seal": bytes(15)},
        {"relay": "12345678"},
        {"relay": str(RELAY).upper()},  # the same UUID in another spelling
        {"extra": 1},
        {"pedigree": {"epsilon": 0.1}},
    ],
)
def test_a_wrong_field_is_a_peer_error(change: dict[str, object]) -> None:
    plain = msgspec.msgpack.decode(encode(keys()))
    assert decode(msgspec.msgpack.encode(plain, order="sorted")) == keys()
    with pytest.raises(PeerError):
        decode(msgspec.msgpack.encode(plain | change, order="sorted"))


@pytest.mark.parametrize("epsilon", [-1e-9, float("nan"), float("inf")])
def test_an_impossible_epsilon_is_refused(epsilon: float) -> None:
    pedigree = Pedigree(epsilon, Origin.MEASURED, Proof("t", "a", True))
    with pytest.raises(ParameterError):
        keys(pedigree=pedigree)
    with pytest.raises(ParameterError):
        RelayDone(RELAY, pedigree)
    plain = msgspec.msgpack.decode(encode(RelayDone(RELAY, Pedigree(0.5, Origin.MEASURED, Proof("t", "a", True)))))
    plain["arrived"]["epsilon"] = epsilon
    with pytest.raises(PeerError):
        decode(msgspec.msgpack.encode(plain, order="sorted"))


def test_keys_that_travel_have_crossed_a_span() -> None:
    with pytest.raises(ParameterError):
        RelayDone(RELAY, Pedigree(0.5, Origin.MEASURED, Proof("t", "a", True), hops=0))
