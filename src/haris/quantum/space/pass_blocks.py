"""Blocks of several passes: a satellite's passes over a station, in turn, whose light is one block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from haris.nouns.block_counts import joined
from haris.quantum.space.block_key import MOST_QBER
from haris.quantum.space.pass_key import PassKey, reason_of
from haris.quantum.space.pass_link import PassLink, block_key

LATER = "its light is of a block that a later pass ends"


def in_blocks(keys: Sequence[PassKey], link: PassLink) -> tuple[PassKey, ...]:
    """The same passes, of which the last of each block has the key of all its light, and the others none.

    keys: by rise. Counts stay those of each pass. A pass whose predicted error rate is above MOST_QBER is in no block:
    which ones are is known before any is flown. The last block of a search may be of fewer passes.
    """
    n = link.protocol.passes_a_block
    if n == 1:
        return tuple(keys)
    found = list(keys)
    for block in blocks_of(keys, n):
        counts = joined([keys[i].counts for i in block])
        key = block_key(link, counts)
        for i in block:
            none = replace(keys[i].key, length_bits=np.zeros((), dtype=np.int64))
            found[i] = replace(keys[i], key=none, reason=LATER)
        slots = keys[block[-1]].slots
        reason = "" if key.length_bits > 0 else reason_of(slots, counts)
        found[block[-1]] = replace(keys[block[-1]], key=key, reason=reason)
    return tuple(found)


def blocks_of(keys: Sequence[PassKey], n: int) -> list[list[int]]:
    """Which passes make a block each, by number."""
    lines: dict[tuple[str, str], list[int]] = {}
    for i, each in enumerate(keys):
        if each.sifted_bits > 0.0 and each.qber <= MOST_QBER:
            lines.setdefault((each.flown.satellite.name, each.flown.where), []).append(i)
    return [line[begin : begin + n] for line in lines.values() for begin in range(0, len(line), n)]
