"""Counts of a block of which some windows tested Bell's inequality."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.bell_counts import BellCounts
from haris.nouns.counts import DecoyCounts


@dataclass(frozen=True, slots=True)
class TestedCounts(DecoyCounts):
    """What a bound takes, and beside it the Bell test, which no bound takes.

    bell: coincidences by Alice's basis and Bob's direction; it has no rounds of key, for those stand in clicks.
    """

    bell: BellCounts
