"""The ways that keys of one site take, by what it knows."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.control.topology import MAX_AGE_NS, Edge, Graph, View
from haris.keys.relay import pad_octets
from haris.node.relays.routes import BLAME_NS, Routes
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.wire.topology import Announcement, Gossip, SpanLevel

NOW = 1_800_000_000 * 10**9
RING = Graph(tuple(Edge(f"{a}-{b}", (a, b)) for a, b in ("ax", "xb", "ay", "yb")))
X, Y = ("a", "x", "b"), ("a", "y", "b")
PADS = {"x": 10_000, "y": 9_000}


class Clock:
    now_ns = NOW

    def __call__(self) -> int:
        return self.now_ns


def routes(fixed: bool = False) -> tuple[Routes, View, Clock]:
    view, clock = View(RING, "a"), Clock()
    return Routes(view, {"b": X} if fixed else {}, clock), view, clock


def hear(view: View, site: str, pad: int, now_ns: int) -> None:
    view.hear(Gossip((Announcement(site, now_ns, (SpanLevel("b", pad, 0.0, True),)),)), site, now_ns)


@pytest.mark.parametrize("fixed", [False, True])
def test_before_anybody_was_heard_own_pad_decides(fixed: bool) -> None:
    ways, _, _ = routes(fixed)
    assert ways.choose("b", 1, PADS) == (X,)
    assert ways.pad_left((X,), PADS) == 10_000
    assert ways.pad_left((X, Y), PADS) == 9_000


def test_a_far_span_that_is_dry_is_avoided_and_counts() -> None:
    ways, view, _ = routes()
    hear(view, "x", pad_octets(1) - 1, NOW)
    assert ways.choose("b", 1, PADS) == (Y,)
    assert ways.pad_left((X,), PADS) == pad_octets(1) - 1
    hear(view, "x", pad_octets(1), NOW + 1)
    assert ways.choose("b", 2, PADS) == (Y, X)


LIES = st.lists(
    st.builds(
        Announcement,
        st.sampled_from(["x", "y", "b", "a", "evil"]),
        st.integers(NOW - 10**9, NOW + 10**9),
        st.lists(
            st.builds(
                SpanLevel,
                st.sampled_from(["a", "b", "x", "y", "evil"]),
                st.integers(0, 1 << 40),
                st.floats(0, 1e12),
                st.booleans(),
            ),
            max_size=4,
        ).map(tuple),
    ),
    max_size=6,
)


@given(LIES)
def test_a_liar_may_deny_but_stands_on_one_path_of_a_key_at_most(lies: list[Announcement]) -> None:
    """Announcements are signed by nobody: x says of all sites what it likes. It learns one share of two at most."""
    ways, view, _ = routes()
    with suppress(PeerError):
        view.hear(Gossip(tuple(lies)), "x", NOW)
    try:
        chosen = ways.choose("b", 2, PADS)
    except KeyUnavailable:
        return  # denied
    assert sorted(chosen) == [X, Y]
    assert ways.pad_left(chosen, PADS) <= min(PADS.values()), "own pad is what it is, whatever is said"


@pytest.mark.parametrize("fixed", [False, True])
def test_a_site_that_is_away_is_no_way(fixed: bool) -> None:
    ways, view, clock = routes(fixed)
    for site in "xy":
        hear(view, site, 10_000, NOW)
    clock.now_ns += MAX_AGE_NS + 1
    hear(view, "y", 10_000, clock.now_ns)
    if fixed:
        with pytest.raises(KeyUnavailable, match="away: x"):
            ways.choose("b", 1, PADS)
    else:
        assert ways.choose("b", 1, PADS) == (Y,)
    assert ways.pad_left((X,), PADS) == 10_000, "asked for a way that is away, it answers all the same"
    with pytest.raises(KeyUnavailable, match="away: x"):
        ways.choose("b", 2, PADS)


def test_a_blamed_path_is_avoided_for_a_while_and_cleared_when_it_works() -> None:
    ways, _, clock = routes()
    ways.blame(X)
    assert ways.choose("b", 1, PADS) == (Y,)
    ways.used((X,), 1)
    assert ways.choose("b", 1, PADS) == (X,)
    ways.blame(X)
    ways.blame(X)
    ways.blame(Y)
    assert ways.choose("b", 1, PADS) == (Y,), "the one that failed less often"
    clock.now_ns += BLAME_NS
    assert ways.choose("b", 1, PADS) == (X,)
    assert ways.choose("b", 2, PADS) == (X, Y)


def test_a_ledger_of_our_own_that_is_dry() -> None:
    ways, _, _ = routes()
    assert ways.choose("b", 1, {"x": 0, "y": 9_000}) == (Y,)
    with pytest.raises(KeyUnavailable, match="no 1 disjoint paths"):
        ways.choose("b", 1, {"x": 0, "y": 0})
