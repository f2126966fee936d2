"""The key of two satellites that see each other: one block a window of mutual sight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.block_counts import BlockCounts
from haris.quantum.orbit.mutual_sight import Between, Window
from haris.quantum.orbit.sun import sun_position_m
from haris.quantum.security.key_length import KeyLength
from haris.quantum.space.block_key import BlockKey, why_none
from haris.quantum.space.pass_link import PassLink, block_key, expected_block

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CrosslinkKey(BlockKey):
    """What a window gives. reason: why there is no key, or empty.

    unix_s, seen, transmittance: by slot, (t,). is_open: whether the receiver looks, for he does not into the Sun.
    counts: of the whole window, of the protocol's kind.
    """

    window: Window
    unix_s: Floats
    seen: Between
    transmittance: Floats
    is_open: NDArray[np.bool_]
    counts: BlockCounts
    key: KeyLength
    reason: str


def sun_angle_rad(seen: Between, unix_s: Floats) -> Floats:
    """Between the sender and the Sun, as the receiver sees them, shape (t,)."""
    sun = sun_position_m(unix_s) - seen.receiver_m
    cosine = np.einsum("ti,ti->t", sun, seen.away_m) / (np.linalg.norm(sun, axis=-1) * seen.range_m)
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))


def crosslink_key(window: Window, link: PassLink, most_age_s: float) -> CrosslinkKey:
    """Expected counts and key of a window, by the bound of its security; 0 with a reason where there is none.

    Of pairs, the source is aboard the sender, which measures one half.
    """
    n = link.protocol.n_slots(window.duration_s)
    duration_s = window.duration_s / n
    times: Floats = window.start_s + (np.arange(n, dtype=np.float64) + 0.5) * duration_s
    seen = window.between(times, most_age_s)
    is_open = sun_angle_rad(seen, times) >= np.radians(link.channel.sun_keep_out_deg)
    transmittance = link.channel.transmittance(seen.range_m, 0.0)
    counts = expected_block(link, duration_s, transmittance[is_open], _sky(link, int(is_open.sum())))
    key = block_key(link, counts)
    none = why_none(counts) if is_open.any() else "the receiver would look into the Sun"
    reason = "" if key.length_bits > 0 else none
    return CrosslinkKey(window, times, seen, transmittance, is_open, counts, key, reason)


def sifted_per_s(link: PassLink, transmittance: Floats) -> Floats:
    """Expected sifted bits a second in each slot in which the receiver looks, shape (t,)."""
    dark = _sky(link, 1)
    bits = [expected_block(link, 1.0, transmittance[i : i + 1], dark).sifted_bits for i in range(transmittance.size)]
    return np.array(bits, dtype=np.float64)


def _sky(link: PassLink, n: int) -> Floats:
    """Photons of the dark in a gate, in n slots."""
    return np.full(n, float(link.channel.background_photons(-90.0, link.open_s)))
