"""How long it takes to make key of light that was told of: by so much a live block closes before the satellite sets."""

from __future__ import annotations

from haris.quantum.space.classical import ClassicalLink
from haris.quantum.space.pass_link import PassLink

ROUND_TRIPS = 10
"""From Bob's bases to the key, a few frames that fail included."""
SYNDROME = 0.5
"""Of a bit for every sifted one: more than one-way codes disclose at any QBER that still gives key."""


def closing_s(link: PassLink, line: ClassicalLink, n_clicks: int, travel_s: float) -> float:
    """From the last stretch of a block with n_clicks to its key. travel_s: light's way from end to end.

    Bob tells a basis for each click. Alice tells which she keeps, the intensities of those, and the bits of the test
    basis; then a syndrome of the key basis, and the seed of the hash, which is shorter than two bits for each.
    """
    sifted, tested = sifted_bits(link, n_clicks), n_clicks * (1.0 - link.protocol.p_key_basis) ** 2
    alice_bits = n_clicks + 2.0 * (sifted + tested) + tested + (SYNDROME + 2.0) * sifted
    downlink = link.channel.direction == "downlink"
    alice_bps, bob_bps = (line.down_bps, line.up_bps) if downlink else (line.up_bps, line.down_bps)
    waiting_s = 2.0 * ROUND_TRIPS * (travel_s + line.processing_s)
    return n_clicks / bob_bps + alice_bits / alice_bps + waiting_s + sifted / line.sifted_bps


def sifted_bits(link: PassLink, n_clicks: int) -> float:
    """Of the key basis, among so many clicks, on average."""
    return n_clicks * link.protocol.p_key_basis**2
