"""The network as one site sees it: spans from its configuration, their levels from what sites announce.

The configuration alone says which sites and spans there are, and so which paths have no site in common. What is
announced only weighs them. A site that lies about itself or about others can therefore draw relays to itself, or away
from a good span, or stop them: it denies keys. It cannot make two paths meet in it, so that what keys shared over k
disjoint paths promise (keys/shares.py) does not rest on anything that is announced here.

A newer sequence replaces an older one, except that a site's own word, told by itself, always does. A site that hears
itself quoted with a higher sequence (its clock was set back, or somebody lies) goes on above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name
from haris.wire.topology import Announcement, Gossip, SpanLevel

MAX_AGE_NS = 15 * 10**9
"""A site of which nothing new was heard for so long is away."""

MAX_AHEAD_NS = 24 * 3600 * 10**9
"""A sequence further ahead of our clock is not believed, so that a lie does not outlive a day."""

Hop = tuple[str, str]
"""A span in one direction: (sender, receiver)."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A span of the network: its name, its two ends, and whether those reach each other in contacts only."""

    span: str
    sites: Hop
    in_contacts: bool = False

    def __post_init__(self) -> None:
        require_name("span", self.span)
        for site in self.sites:
            require_name("a site", site)
        if len(self.sites) != 2 or self.sites[0] == self.sites[1]:
            raise ParameterError(f"sites: span {self.span} joins two sites, got {list(self.sites)}")


@dataclass(frozen=True, slots=True)
class Graph:
    """All spans that the configuration names, at most one between two sites."""

    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        names = [edge.span for edge in self.edges]
        ends = [frozenset(edge.sites) for edge in self.edges]
        if len(set(names)) != len(names) or len(set(ends)) != len(ends):
            raise ParameterError(f"a span stands twice among {', '.join(names)}, or two spans join the same sites")

    @property
    def sites(self) -> frozenset[str]:
        """Every site at an end of a span."""
        return frozenset(site for edge in self.edges for site in edge.sites)

    @property
    def seldom(self) -> frozenset[str]:
        """Sites that can be heard in contacts only, over any of their spans: their silence says nothing."""
        return self.sites - {site for edge in self.edges if not edge.in_contacts for site in edge.sites}

    def is_in_contacts(self, path: Sequence[str]) -> bool:
        """Whether some hop of a path is open in contacts only."""
        ends = {frozenset(edge.sites) for edge in self.edges if edge.in_contacts}
        return any(frozenset(hop) in ends for hop in pairwise(path))

    def hops(self) -> Iterator[Hop]:
        """Every span, once in each direction."""
        for one, other in (edge.sites for edge in self.edges):
            yield one, other
            yield other, one


@dataclass(frozen=True, slots=True)
class Level:
    """What is known of sending over a hop: octets of relay pad, and of secret bits how many a second come."""

    pad_octets: int
    rate_bits_s: float


@dataclass(slots=True)
class _Heard:
    announcement: Announcement
    heard_ns: int
    spent: dict[str, int] = field(default_factory=dict)


class View:
    """What one site knows of the network. Times are of the wall clock, in nanoseconds since 1970."""

    def __init__(self, graph: Graph, site: str) -> None:
        self.graph, self.site = graph, site
        self._heard: dict[str, _Heard] = {}
        self._sequence = 0

    def announce(self, spans: Sequence[SpanLevel], now_ns: int) -> Gossip:
        """Take this site's own levels, and return all that is known, for its neighbours."""
        self._sequence = max(self._sequence + 1, now_ns)
        self._heard[self.site] = _Heard(Announcement(self.site, self._sequence, tuple(spans)), now_ns)
        return Gossip(tuple(heard.announcement for heard in self._heard.values()))

    def hear(self, gossip: Gossip, caller: str, now_ns: int) -> Gossip:
        """Take what a neighbour tells, and return what is known newer here."""
        told = {announcement.site: announcement for announcement in gossip.announcements}
        for announcement in told.values():
            self._take(announcement, caller, now_ns)
        return Gossip(
            tuple(
                heard.announcement
                for site, heard in self._heard.items()
                if site != caller and (site not in told or told[site].sequence < heard.announcement.sequence)
            )
        )

    def spend(self, path: Sequence[str], octets: int) -> None:
        """A relay of ours has used pad on every hop of path: less is left until its sender announces anew."""
        for sender, receiver in pairwise(path):
            if sender in self._heard:
                spent = self._heard[sender].spent
                spent[receiver] = spent.get(receiver, 0) + octets

    def levels(self, now_ns: int) -> dict[Hop, Level | None]:
        """Every hop that may be used; None where its sender was never heard. Hops of sites that are away are left out.

        A span that is not up brings nothing, and still has the pad that it has.
        """
        return {
            hop: self._level(*hop) for hop in self.graph.hops() if not any(self._is_away(end, now_ns) for end in hop)
        }

    def sites_away(self, now_ns: int) -> tuple[str, ...]:
        """Sites that were heard once and are silent now."""
        return tuple(sorted(site for site in self._heard if self._is_away(site, now_ns)))

    def _take(self, announcement: Announcement, caller: str, now_ns: int) -> None:
        site, sequence = announcement.site, announcement.sequence
        if site not in self.graph.sites or sequence > now_ns + MAX_AHEAD_NS:
            return
        if site == self.site:
            self._sequence = max(self._sequence, sequence)
            return
        known = self._heard.get(site)
        if (
            known is None
            or sequence > known.announcement.sequence
            or (caller == site and announcement != known.announcement)
        ):
            self._heard[site] = _Heard(announcement, now_ns)

    def _is_away(self, site: str, now_ns: int) -> bool:
        if site not in self._heard or site == self.site or site in self.graph.seldom:
            return False
        return now_ns - self._heard[site].heard_ns > MAX_AGE_NS

    def _level(self, sender: str, receiver: str) -> Level | None:
        ours, theirs = (_span(self._heard, one, other) for one, other in ((sender, receiver), (receiver, sender)))
        if ours is None:
            return None
        spent = self._heard[sender].spent.get(receiver, 0)
        up = ours.up and (theirs is None or theirs.up)
        return Level(max(0, ours.pad_octets - spent), ours.rate_bits_s if up else 0.0)


def _span(heard: Mapping[str, _Heard], site: str, peer: str) -> SpanLevel | None:
    spans: Iterable[SpanLevel] = heard[site].announcement.spans if site in heard else ()
    return next((span for span in spans if span.peer == peer), None)
