"""What a site knows of the network, from what sites announce of themselves and others repeat."""

from __future__ import annotations

import pytest

from haris.control.topology import MAX_AGE_NS, MAX_AHEAD_NS, Edge, Graph, Level, View
from haris.nouns.errors import ParameterError, PeerError
from haris.wire.topology import Announcement, Gossip, SpanLevel, decode, encode

SECOND_NS = 10**9
NOW = 1_800_000_000 * SECOND_NS
RING = Graph(tuple(Edge(f"{a}-{b}", (a, b)) for a, b in ("ab", "bc", "cd", "da")))


def level(peer: str, pad_octets: int = 1000, rate_bits_s: float = 8.0, up: bool = True) -> SpanLevel:
    return SpanLevel(peer, pad_octets, rate_bits_s, up)


def views() -> dict[str, View]:
    return {site: View(RING, site) for site in sorted(RING.sites)}


def neighbours(site: str) -> list[str]:
    return [receiver for sender, receiver in RING.hops() if sender == site]


def tell_all(sites: dict[str, View], now_ns: int, silent: str = "") -> None:
    """One round: every site tells its neighbours all that it knows, and hears what they know newer."""
    for site, view in sites.items():
        if site == silent:
            continue
        gossip = view.announce([level(peer) for peer in neighbours(site)], now_ns)
        for peer in neighbours(site):
            if peer != silent:
                answer = sites[peer].hear(decode(encode(gossip)), site, now_ns)
                view.hear(decode(encode(answer)), peer, now_ns)


def test_news_cross_the_network_hop_by_hop() -> None:
    sites = views()
    tell_all(sites, NOW)
    tell_all(sites, NOW + SECOND_NS)
    for view in sites.values():
        assert view.levels(NOW + SECOND_NS) == dict.fromkeys(RING.hops(), Level(1000, 8.0))


def test_a_site_that_falls_silent_is_away_for_all() -> None:
    sites = views()
    for second in range(3):
        tell_all(sites, NOW + second * SECOND_NS)
    for second in range(3, 25):
        tell_all(sites, NOW + second * SECOND_NS, silent="c")
    now_ns = NOW + 24 * SECOND_NS
    for site in "abd":
        assert sites[site].sites_away(now_ns) == ("c",)
        assert set(sites[site].levels(now_ns)) == {hop for hop in RING.hops() if "c" not in hop}
    tell_all(sites, now_ns + SECOND_NS)
    assert sites["a"].sites_away(now_ns + SECOND_NS) == ()


def test_an_older_announcement_repeated_for_ever_does_not_keep_a_site_alive() -> None:
    view = View(RING, "a")
    old = Gossip((Announcement("c", NOW, (level("b"),)),))
    for second in range(20):
        view.hear(old, "b", NOW + second * SECOND_NS)
    assert view.sites_away(NOW + MAX_AGE_NS + SECOND_NS) == ("c",)


def test_never_heard_is_not_away() -> None:
    view = View(RING, "a")
    assert view.levels(NOW) == dict.fromkeys(RING.hops(), None)


def test_an_older_sequence_is_ignored_unless_its_own_site_tells_it() -> None:
    view = View(RING, "a")
    newer, older = (Announcement("b", NOW + n, (level("a", pad_octets=n),)) for n in (9, 5))
    view.hear(Gossip((newer,)), "d", NOW)
    view.hear(Gossip((older,)), "d", NOW)
    assert view.levels(NOW)["b", "a"] == Level(9, 8.0)
    view.hear(Gossip((older,)), "b", NOW)  # b's clock was set back, or somebody lied about it
    assert view.levels(NOW)["b", "a"] == Level(5, 8.0)


def test_a_site_that_hears_itself_from_the_future_goes_on_above_it() -> None:
    view = View(RING, "a")
    view.announce([level("b")], NOW)
    view.hear(Gossip((Announcement("a", NOW + 3600 * SECOND_NS, ()),)), "b", NOW)
    (own,) = view.announce([level("b")], NOW + SECOND_NS).announcements
    assert own.sequence == NOW + 3600 * SECOND_NS + 1
    assert own.spans == (level("b"),)


def test_a_sequence_far_ahead_is_not_believed() -> None:
    view = View(RING, "a")
    view.hear(Gossip((Announcement("b", NOW + MAX_AHEAD_NS + 1, (level("a"),)),)), "b", NOW)
    assert view.levels(NOW)["b", "a"] is None


def test_a_lie_adds_no_site_and_no_span() -> None:
    """The configured graph is the authority."""
    view = View(RING, "a")
    lie = Announcement("b", NOW, (level("d"), level("a"), level("evil")))
    view.hear(Gossip((lie, Announcement("evil", NOW, (level("a"),)))), "b", NOW)
    assert set(view.levels(NOW)) == set(RING.hops())
    assert view.levels(NOW)["b", "a"] == Level(1000, 8.0)


def test_a_span_that_is_down_at_one_end_brings_nothing() -> None:
    view = View(RING, "a")
    here = Announcement("b", NOW, (level("c"),))
    there = Announcement("c", NOW, (level("b", up=False), level("d")))
    view.hear(Gossip((here, there)), "b", NOW)
    assert view.levels(NOW)["b", "c"] == Level(1000, 0.0)
    assert view.levels(NOW)["c", "d"] == Level(1000, 8.0)


def test_own_relays_are_counted_until_the_next_announcement() -> None:
    view = View(RING, "a")
    view.hear(Gossip((Announcement("b", NOW, (level("c"),)),)), "b", NOW)
    view.spend(("a", "b", "c"), 300)
    view.spend(("a", "b", "c"), 300)
    assert view.levels(NOW)["b", "c"] == Level(400, 8.0)
    view.spend(("a", "b", "c"), 900)
    assert view.levels(NOW)["b", "c"] == Level(0, 8.0)
    view.hear(Gossip((Announcement("b", NOW + 1, (level("c", pad_octets=500),)),)), "b", NOW)
    assert view.levels(NOW)["b", "c"] == Level(500, 8.0)


def test_the_answer_is_what_is_newer_here() -> None:
    view = View(RING, "a")
    view.announce([level("b")], NOW)
    b, c, d = (Announcement(site, NOW, (level("a"),)) for site in "bcd")
    view.hear(Gossip((b, c, d)), "b", NOW)
    older = Announcement("c", NOW - 1, ())
    newer = Announcement("d", NOW + 1, ())
    answer = view.hear(Gossip((older, newer)), "b", NOW)
    assert {announcement.site: announcement.sequence for announcement in answer.announcements} == {"a": NOW, "c": NOW}


@pytest.mark.parametrize(
    "edges",
    [
        [("x", ("a", "b")), ("x", ("b", "c"))],
        [("x", ("a", "b")), ("y", ("b", "a"))],
    ],
)
def test_a_span_stands_once(edges: list[tuple[str, tuple[str, str]]]) -> None:
    with pytest.raises(ParameterError):
        Graph(tuple(Edge(*edge) for edge in edges))
    with pytest.raises(ParameterError):
        Edge("x", ("a", "a"))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xc0",
        encode(Gossip((Announcement("a", 1, ()), Announcement("a", 2, ())))),
    ],
)
def test_wrong_gossip_is_a_peer_error(octets: bytes) -> None:
    with pytest.raises(PeerError):
        decode(octets)
