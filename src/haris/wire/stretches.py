"""Messages about light that comes in stretches: where Bob clicked, told while it comes, and his bases when it is over.

    Bob                               Alice
    Positions                      ▶  Noted             of every stretch
    Bases                          ▶  Sifting           when the light is over, and then as any block

Stretches may be told in several sessions, and again where no answer came. They are not tagged: the digest of Bases is,
and covers what both ends must have heard alike.
"""

from __future__ import annotations

from haris.wire.block_message import Count, Message, Octets16, Octets32


class Positions(Message, frozen=True):
    """Bob: the pulses of a stretch that clicked (ascending, packed by gaps), counted from its first, and no basis.

    light: its name. number: of the stretch, from 0.
    """

    light: Octets16
    number: Count
    n_pulses: Count
    n_clicks: Count
    pulses: bytes


class Noted(Message, frozen=True):
    """Alice: has heard of the stretches before this number, and tells nothing."""

    number: Count


class Bases(Message, frozen=True):
    """Bob: the light is over. told: digest of all positions; the basis of each click (packed bits)."""

    block: Octets16
    light: Octets16
    n_stretches: Count
    told: Octets32
    bases: bytes
