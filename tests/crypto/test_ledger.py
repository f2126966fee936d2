"""Ledgers: names, and what two sites burn to when they meet again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.crypto.ledger import higher_heads, ledger_name, span_ledgers
from haris.nouns.errors import PeerError

HEADS = st.fixed_dictionaries({name: st.integers(0, 10**6) for name in span_ledgers("north")})


def test_a_span_has_four_ledgers_by_purpose_and_direction() -> None:
    assert span_ledgers("north") == ("north/auth/ab", "north/auth/ba", "north/relay/ab", "north/relay/ba")
    assert ledger_name("north", "relay", "ba") == "north/relay/ba"


@given(HEADS, HEADS)
def test_both_ends_burn_to_the_same_place_and_never_back(ours: dict[str, int], theirs: dict[str, int]) -> None:
    agreed = higher_heads(ours, theirs)
    assert agreed == higher_heads(theirs, ours)
    assert all(agreed[name] >= ours[name] and agreed[name] >= theirs[name] for name in ours)
    assert all(agreed[name] in (ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("theirs", [{}, {"south/auth/ab": 0}, {"north/auth/ab": -1}])
def test_heads_of_other_ledgers_or_below_zero_break_the_protocol(theirs: dict[str, int]) -> None:
    with pytest.raises(PeerError):
        higher_heads({"north/auth/ab": 0}, theirs)
