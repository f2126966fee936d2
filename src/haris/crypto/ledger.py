"""Ledgers of pad: who burns which octets of the secret that two neighbouring sites share.

A ledger is a byte string that both ends hold, with a head that only moves forward. Every span has four: one for each
direction, so that two senders never meet in one pad, and one for each purpose, so that relayed traffic cannot eat the
reserve that authenticates the next block. `ab` is used by the site that prepares light (Alice) to send, `ba` by Bob.

The sender's head advances durably before an octet is used; the receiver burns up to what it sees used. A crash can
therefore leave the heads apart, always with the sender's ahead of what its peer saw. When two sites meet again, both
tell their heads and both burn to the higher: octets that either may have used are never used again. A sender that still
holds messages for its peer tells the first octet of their pad in place of its head, so that the peer can open them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from haris.nouns.errors import PeerError

Purpose = Literal["auth", "relay"]
Direction = Literal["ab", "ba"]


def ledger_name(span: str, purpose: Purpose, direction: Direction) -> str:
    """The name of one ledger of a span, the same at both ends."""
    return f"{span}/{purpose}/{direction}"


def span_ledgers(span: str) -> tuple[str, str, str, str]:
    """The four ledgers of a span, in the order in which a block is cut: auth ab, auth ba, relay ab, relay ba."""
    return (
        ledger_name(span, "auth", "ab"),
        ledger_name(span, "auth", "ba"),
        ledger_name(span, "relay", "ab"),
        ledger_name(span, "relay", "ba"),
    )


def higher_heads(ours: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    """Where both ends burn to when they meet again: the higher of the two heads of every ledger, in octets.

    Raises PeerError when the peer names other ledgers than ours, or a head below 0.
    """
    if set(ours) != set(theirs):
        raise PeerError("the peer tells heads of other ledgers than this span has")
    if any(head < 0 for head in theirs.values()):
        raise PeerError("a pad has no head below 0")
    return {name: max(head, theirs[name]) for name, head in ours.items()}
