"""One block of emulated light of which either, both or no pulse of a pair is sent: both ends' halves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.pulse_pairs import PulsePairs
from haris.quantum.emulate.expected_pulse_pairs import pair_clicks
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.emulate.sampled_announcements import some_pulses
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.pulse_pair_source import PulsePairSource
from haris.quantum.optics.tapped_receiver import TappedReceiver
from haris.quantum.protocols.cow import Cow

MOST_PAIRS = 1e8
"""Pairs with a click, of a block that is held at once."""


def emulate_pulse_pairs(
    source: PulsePairSource,
    fibre: Medium,
    receiver: TappedReceiver,
    protocol: Cow,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[PulsePairs, PulsePairs]:
    """Sample the whole pairs of n_pulses: Alice's half and Bob's half. The same arguments give the same light.

    How many pairs have each pattern of clicks is drawn at once, then where they lie; pairs without a click cost
    nothing. In the share eve_fraction of the pairs Eve finds when light comes, and sends it on at that time: the bits
    stay, the interference is gone. Raises ParameterError on arguments outside their range, or on more than MOST_PAIRS
    pairs with a click.
    """
    require_probability("eve_fraction", eve_fraction)
    pattern = np.arange(16)
    clicks = (pattern[:, None] >> np.arange(4)) & 1
    p = np.zeros((4, 16))
    for share, seen in ((1.0 - eve_fraction, receiver), (eve_fraction, replace(receiver, visibility=0.0))):
        p_click = pair_clicks(source, fibre, seen)[:, None, :]
        p += share * np.prod(np.where(clicks, p_click, 1.0 - p_click), axis=-1)
    p *= np.array(protocol.p_kinds)[:, None]
    n_pairs = n_pulses // 2
    if n_pairs < 0 or n_pairs * p[:, 1:].sum() > MOST_PAIRS:
        raise ParameterError(
            f"n_pulses must be at least 0, with at most {MOST_PAIRS:g} pairs that click, got about "
            f"{n_pairs * p[:, 1:].sum():.3g}"
        )
    rng = np.random.default_rng(np.frombuffer(derived_key(seed, b"pulse pairs"), dtype=np.uint32))
    flat = np.append(p[:, 1:].ravel(), p[:, 0].sum())
    per_case = rng.multinomial(n_pairs, flat / flat.sum())[:-1]
    case = rng.permutation(np.repeat(np.arange(60), per_case))
    pair = some_pulses(rng, n_pairs, case.size)
    alice, bob = ((case // 15).astype(np.uint8), (case % 15 + 1).astype(np.uint8))
    return PulsePairs(n_pairs, pair, alice), PulsePairs(n_pairs, pair, bob)
