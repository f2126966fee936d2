"""What key managers tell each other about the spans of the network: each site of its own, and passed on by all.

A site tells its neighbours, over the channel that authenticates them, everything that it has heard; the answer is what
the neighbour knows newer. Announcements of sites further off are hearsay: nobody signs them. control/topology.py says
what a lie can do.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from haris.nouns.checks import require_not_negative
from haris.nouns.errors import PeerError
from haris.nouns.ids import require_name
from haris.wire.message_pack import MessagePack, Tagged

VERB = "topology"
MAX_SPANS = 64
MAX_ANNOUNCEMENTS = 1024

Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class SpanLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One span of the site that tells it.

    peer: the site at its other end. pad_octets: relay pad left for sending there. rate_bits_s: secret bits a second
    that the span has lately brought. up: whether the two ends are connected.
    """

    peer: str
    pad_octets: Count
    rate_bits_s: float
    up: bool

    def __post_init__(self) -> None:
        require_name("peer", self.peer)
        require_not_negative("rate_bits_s", self.rate_bits_s)


class Announcement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A site's word on its own spans. sequence: grows with each; the wall clock in nanoseconds, or more."""

    site: str
    sequence: Count
    spans: Annotated[tuple[SpanLevel, ...], msgspec.Meta(max_length=MAX_SPANS)]

    def __post_init__(self) -> None:
        require_name("site", self.site)


class Gossip(Tagged, frozen=True):
    """Announcements, at most one of each site; question and answer are of this one form."""

    announcements: Annotated[tuple[Announcement, ...], msgspec.Meta(max_length=MAX_ANNOUNCEMENTS)]


_codec: MessagePack[Gossip] = MessagePack(Gossip, "topology")
encode = _codec.encode


def decode(octets: bytes) -> Gossip:
    """The gossip in octets. Raises PeerError for anything else."""
    gossip = _codec.decode(octets)
    sites = [announcement.site for announcement in gossip.announcements]
    if len(set(sites)) != len(sites):
        raise PeerError("a gossip tells of one site twice")
    return gossip
