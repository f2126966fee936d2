"""What two ends tell each other of a Bell test on some of the windows of a block, before its key is sifted.

    Bob                               Alice
    BellTold                       ▶  BellAnswered

Then the block goes on as haris.wire.distillation has it. Nothing in these windows becomes key.
"""

from __future__ import annotations

from haris.wire.block_message import Count, Message, Octets16


class BellTold(Message, frozen=True):
    """Bob: his windows of the test that clicked (ascending, packed by gaps), his direction and bit in each (packed)."""

    block: Octets16
    n_clicks: Count
    pulses: bytes
    directions: bytes
    outcomes: bytes


class BellAnswered(Message, frozen=True):
    """Alice: in which of them she saw something (packed); for these her basis and her bit (packed)."""

    seen: bytes
    bases: bytes
    outcomes: bytes
