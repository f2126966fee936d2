"""What a block becomes, and that both ends cut it alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.crypto.ledger import span_ledgers
from haris.keys.allotment import Allotment, Levels, Targets, allot, cut, wanted
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.ids import key_id
from haris.nouns.keys import FinalKey, Origin, Pedigree, Proof

PEDIGREE = Pedigree(1e-10, Origin.EMULATED, Proof("a theorem", "coherent", True))
octets = st.integers(0, 5000)
levels = st.builds(Levels, octets, octets, octets, octets, st.integers(0, 100))
targets = st.builds(Targets, octets, octets, st.integers(0, 100))
units = st.integers(0, 1 << 16)
allotments = st.builds(lambda a, b, c, d, n: Allotment(32 * a, 32 * b, 32 * c, 32 * d, n), *[units] * 5)


def final_key(n_bits: int, seed: int = 7) -> FinalKey:
    bits = np.random.default_rng(seed).integers(0, 2, n_bits, dtype=np.uint8)
    return FinalKey(b"0123456789abcdef", bits, PEDIGREE)


@given(st.integers(0, 400_000), levels, targets)
def test_shares_fit_the_block_and_never_exceed_what_is_wanted(length: int, have: Levels, want: Targets) -> None:
    got, lack = allot(length, have, want), wanted(have, want)
    assert 8 * got.octets <= length
    assert all(share <= missing for share, missing in zip(got.pads, lack.pads, strict=True))
    assert got.n_keys <= lack.n_keys
    # Nothing is burnt while something is wanted.
    assert got == lack or length - 8 * got.octets < 256


@given(st.integers(0, 400_000), levels, targets)
def test_authentication_comes_first_and_relay_pads_before_keys(length: int, have: Levels, want: Targets) -> None:
    got, lack = allot(length, have, want), wanted(have, want)
    if got.auth_ab + got.auth_ba < lack.auth_ab + lack.auth_ba:
        assert (got.relay_ab, got.relay_ba, got.n_keys) == (0, 0, 0)
    if got.relay_ab + got.relay_ba < lack.relay_ab + lack.relay_ba:
        assert got.n_keys == 0


@given(st.integers(0, 400_000), levels, targets)
def test_the_direction_that_lacks_more_is_served_first(length: int, have: Levels, want: Targets) -> None:
    got, lack = allot(length, have, want), wanted(have, want)
    rest_ab, rest_ba = lack.auth_ab - got.auth_ab, lack.auth_ba - got.auth_ba
    if got.auth_ab and got.auth_ba:
        assert abs(rest_ab - rest_ba) <= 32 or not (rest_ab and rest_ba)


def test_a_block_too_short_for_authentication_goes_into_it_whole() -> None:
    empty = Levels(0, 0, 0, 0, 0)
    assert allot(3 * 256 + 255, empty, Targets(1024, 1024, 10)) == Allotment(64, 32, 0, 0, 0)
    assert allot(255, empty, Targets(1024, 1024, 10)) == Allotment(0, 0, 0, 0, 0)


def test_full_pools_burn_the_block() -> None:
    assert allot(10**6, Levels(64, 64, 64, 64, 5), Targets(64, 32, 5)) == Allotment(0, 0, 0, 0, 0)


@given(allotments)
def test_the_wire_form_returns(allotment: Allotment) -> None:
    assert Allotment.decode(allotment.encode()) == allotment


@pytest.mark.parametrize("octets", [b"", bytes(19), bytes(21)])
def test_another_length_is_no_allotment(octets: bytes) -> None:
    with pytest.raises(PeerError):
        Allotment.decode(octets)


def test_shares_are_whole_units() -> None:
    with pytest.raises(ParameterError):
        Allotment(33, 0, 0, 0, 0)
    with pytest.raises(ParameterError):
        Allotment(-32, 0, 0, 0, 0)
    with pytest.raises(ParameterError):
        Targets(-1, 0, 0)


def test_both_ends_cut_the_same_names_octets_and_owner() -> None:
    key, allotment = final_key(8 * 32 * 12 + 77), Allotment(64, 32, 96, 0, 5)
    alice = cut(key, allotment, "north", 3, "bank", "relay", owner="relay")
    bob = cut(key, allotment, "north", 3, "relay", "bank", owner="relay")
    assert (alice.block, alice.span, alice.number, alice.pads) == (bob.block, bob.span, bob.number, bob.pads)
    assert [k.peer for k in alice.keys] == ["relay"] * 5
    assert [k.peer for k in bob.keys] == ["bank"] * 5
    for one, other in zip(alice.keys, bob.keys, strict=True):
        assert (one.key_id, one.secret, one.owner) == (other.key_id, other.secret, other.owner)


def test_every_bit_of_the_block_serves_once_and_in_order() -> None:
    key, allotment = final_key(8 * 32 * 12 + 77), Allotment(64, 32, 96, 32, 5)
    shares = cut(key, allotment, "north", 3, "bank", "relay", owner="bank")
    assert [pad.ledger for pad in shares.pads] == list(span_ledgers("north"))
    joined = b"".join([pad.octets for pad in shares.pads] + [k.secret for k in shares.keys])
    # The bits as a number, most significant first: an account of the cut that owes nothing to packbits.
    number = int("".join(map(str, key.bits[: 8 * len(joined)])), 2)
    assert joined == number.to_bytes(allotment.octets, "big")
    assert [k.key_id for k in shares.keys] == [key_id(key.block, i) for i in range(5)]
    assert {k.pedigree for k in shares.keys} | {p.pedigree for p in shares.pads} == {PEDIGREE}


def test_bob_does_not_follow_an_allotment_beyond_the_key() -> None:
    with pytest.raises(PeerError):
        cut(final_key(255), Allotment(0, 0, 0, 0, 1), "north", 0, "bank", "relay", owner="bank")


def test_the_owner_is_one_of_the_two() -> None:
    with pytest.raises(ParameterError):
        cut(final_key(256), Allotment(0, 0, 0, 0, 1), "north", 0, "bank", "relay", owner="exchange")
