"""Messages about light that comes in stretches: where Bob clicked, told while it comes, and his bases when it is over.

    Bob                               Alice
                                   ◀  Shine             over a line that may break
    Positions                      ▶  Noted             of every stretch
    Close                          ▶                    over a line that may break
    Bases                          ▶  Sifting           when the light is over, and then as any block

Stretches may be told in several sessions. They bear no tags: those of the block cover them all, and the digest in Bases
tells ends that did not hear alike of it sooner. A session goes on with the first message that the ones before have not
carried: so each end says what it has. Where words about light do not fit what was heard before, either end says Abort,
and both give the light up.
"""

from __future__ import annotations

from haris.wire.block_message import Count, Message, Octets16, Octets32


class Shine(Message, frozen=True):
    """Alice: this light is to become the block, a new one that bears the block's name, or one of an earlier session.

    noted, heard: stretches of it that she has noted in earlier sessions, and messages from Bases on that she has heard.
    """

    light: Octets16
    noted: Count
    heard: Count


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
    """Alice: has heard of the stretches before this number, and tells nothing.

    The number of the stretch that Bob told of: she has not that one, and the light ends before it.
    """

    number: Count


class Close(Message, frozen=True):
    """Bob: of this light no more is told, and the block is made.

    heard: messages from Sifting on that he has heard in earlier sessions.
    """

    heard: Count


class Bases(Message, frozen=True):
    """Bob: the light is over. told: digest of all positions; the basis of each click (packed bits)."""

    block: Octets16
    light: Octets16
    n_stretches: Count
    told: Octets32
    bases: bytes
