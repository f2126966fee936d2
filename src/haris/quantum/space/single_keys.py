"""The keys of many passes by any protocol: pass_key, one pass after the other, in coarse slots.

Decoy-state BB84 has arrays for it (many_keys.py), which are a hundred times as fast.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from haris.quantum.orbit.many_passes import ManyPasses
from haris.quantum.orbit.propagation import MOST_AGE_S
from haris.quantum.space.many_keys import ManyKeys
from haris.quantum.space.pass_key import pass_key
from haris.quantum.space.pass_link import PassLink

SLOT_S = 10.0
"""At least: light changes little meanwhile, and nearly evenly."""


def single_keys(passes: ManyPasses, link: PassLink, most_age_s: float = MOST_AGE_S) -> ManyKeys:
    """Expected key of every pass, one block each. Raises as pass_key."""
    protocol = replace(link.protocol, slot_s=max(link.protocol.slot_s, SLOT_S))
    coarse = replace(link, protocol=protocol)
    keys = [pass_key(passes.single(i), coarse, most_age_s) for i in range(len(passes))]
    return ManyKeys(
        passes,
        np.array([each.sifted_bits for each in keys], dtype=np.float64),
        np.array([each.qber for each in keys], dtype=np.float64),
        np.array([each.secret_bits for each in keys], dtype=np.int64),
    )
