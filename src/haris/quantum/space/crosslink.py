"""The key of two satellites that see each other: one block a window of mutual sight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import KEY_BASIS, DecoyCounts
from haris.quantum.orbit.mutual_sight import Between, Window
from haris.quantum.orbit.sun import sun_position_m
from haris.quantum.security.bounds import key_length
from haris.quantum.security.key_length import KeyLength
from haris.quantum.space.pass_key import pass_counts
from haris.quantum.space.pass_link import PassLink

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CrosslinkKey:
    """What a window gives. reason: why there is no key, or empty.

    seen, transmittance: by slot, (t,). is_open: whether the receiver looks, for he does not into the Sun.
    counts: of the whole window, shape (2, k).
    """

    window: Window
    seen: Between
    transmittance: Floats
    is_open: NDArray[np.bool_]
    counts: DecoyCounts
    key: KeyLength
    reason: str

    @property
    def sifted_bits(self) -> float:
        """Clicks in equal bases, of both bases and all intensities."""
        return float(self.counts.clicks.sum())

    @property
    def qber(self) -> float:
        """Error rate of the key basis over the whole window."""
        return float(self.counts.qber[KEY_BASIS])

    @property
    def secret_bits(self) -> int:
        """Length of the key."""
        return int(self.key.length_bits)


def sun_angle_rad(seen: Between, unix_s: Floats) -> Floats:
    """Between the sender and the Sun, as the receiver sees them, shape (t,)."""
    sun = sun_position_m(unix_s) - seen.receiver_m
    cosine = np.einsum("ti,ti->t", sun, seen.away_m) / (np.linalg.norm(sun, axis=-1) * seen.range_m)
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))


def crosslink_key(window: Window, link: PassLink, most_age_s: float) -> CrosslinkKey:
    """Expected counts and key of a window, by the bound of its security; 0 with a reason where there is none.

    Raises ParameterError of a protocol that is not decoy-bb84.
    """
    link.require_decoy_bb84("a crosslink")
    n = max(int(np.ceil(window.duration_s / link.protocol.slot_s)), 1)
    duration_s = window.duration_s / n
    times: Floats = window.start_s + (np.arange(n, dtype=np.float64) + 0.5) * duration_s
    seen = window.between(times, most_age_s)
    is_open = sun_angle_rad(seen, times) >= np.radians(link.channel.sun_keep_out_deg)
    transmittance = link.channel.transmittance(seen.range_m, 0.0)
    dark = link.channel.background_photons(-90.0, link.open_s)
    counts = pass_counts(
        link.source,
        link.detector,
        link.protocol.p_key_basis,
        link.channel.misalignment,
        duration_s,
        transmittance[is_open],
        np.full(int(is_open.sum()), float(dark)),
    )
    key = key_length(counts, link.security)
    reason = "" if key.length_bits > 0 else _reason(is_open, counts)
    return CrosslinkKey(window, seen, transmittance, is_open, counts, key, reason)


def _reason(is_open: NDArray[np.bool_], counts: DecoyCounts) -> str:
    if not is_open.any():
        return "the receiver would look into the Sun"
    if counts.clicks.sum() < 1.0:
        return "no light comes through"
    if counts.qber[KEY_BASIS] > 0.11:
        return f"QBER {float(counts.qber[KEY_BASIS]):.1%}: more noise than light"
    return f"{float(counts.clicks.sum()):.0f} sifted bits are too few for these epsilons"
