"""The key of a pass: counts summed over its slots, one block over all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.block_counts import BlockCounts
from haris.nouns.counts import DecoyCounts
from haris.quantum.emulate.clicks import Arrivals, aligned_rates
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.source import Source
from haris.quantum.orbit.passes import Pass
from haris.quantum.orbit.shared_passes import SharedPass
from haris.quantum.orbit.station import Sight
from haris.quantum.orbit.sun import sun_elevation_deg
from haris.quantum.security.key_length import KeyLength
from haris.quantum.space.block_key import BlockKey, why_none
from haris.quantum.space.pass_link import DECOY_BB84, PassLink, block_key, expected_block
from haris.quantum.space.slot_counts import Settings, slot_arrivals

Floats = NDArray[np.float64]
LEAST_ELEVATION_DEG = 0.1
"""Below it there is no path that these models know."""
BRIGHT_SUN_DEG = -9.0
"""Above it the Sun is what one names where there is more noise than light."""
SUN_STEP_S = 30.0
"""Between two looks at the Sun."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of a pass, float64 (t,): middle of each, and what is seen, lost and shining then.

    duration_s: of each. background: mean photons of the sky in a gate, at the detectors. other: of a pass that two
    stations share, the same slots as the other one has them; sun_elevation_deg is then the higher of both.
    """

    duration_s: float
    unix_s: Floats
    sight: Sight
    sun_elevation_deg: Floats
    transmittance: Floats
    background: Floats
    other: Slots | None = None

    @property
    def whole(self) -> Floats:
        """Transmittance to all who receive: of a pair of photons, that of both."""
        return self.transmittance if self.other is None else self.transmittance * self.other.transmittance

    @property
    def least_elevation_deg(self) -> float:
        """Lowest that it stands, of two stations over either; at least one slot."""
        least = float(self.sight.elevation_deg.min())
        return least if self.other is None else min(least, self.other.least_elevation_deg)

    def part(self, used: slice) -> Slots:
        """Some of them, next to each other."""
        return Slots(
            self.duration_s,
            self.unix_s[used],
            self.sight.part(used),
            self.sun_elevation_deg[used],
            self.transmittance[used],
            self.background[used],
            None if self.other is None else self.other.part(used),
        )


@dataclass(frozen=True, slots=True)
class PassKey(BlockKey):
    """What a pass gives. counts: of all slots, of the protocol's kind. reason: why there is no key, or empty.

    settings: those that were chosen for it, with the slots to use, or None: the link's own, over the whole pass.
    """

    flown: Pass
    slots: Slots
    counts: BlockCounts
    key: KeyLength
    reason: str
    settings: Settings | Mapping[str, float] | None = None


def slots_of(flown: Pass, link: PassLink, most_age_s: float) -> Slots:
    """The slots of a pass above the horizon; none of a pass that lies below it. Raises as states does."""
    n = link.protocol.n_slots(flown.duration_s)
    duration = flown.duration_s / n
    times: Floats = flown.rise_s + (np.arange(n, dtype=np.float64) + 0.5) * duration
    over = (flown, flown.over_other) if isinstance(flown, SharedPass) else (flown,)
    seen = [each.sight_at(times, most_age_s) for each in over]
    up = np.logical_and.reduce([each.elevation_deg >= LEAST_ELEVATION_DEG for each in seen])
    if not up.all():
        times, seen = times[up], [each.part(up) for each in seen]
    made = [_slots(of, link, duration, times, at) for of, at in zip(over, seen, strict=True)]
    if len(made) == 1:
        return made[0]
    one, other = made
    return replace(one, other=other, sun_elevation_deg=np.maximum(one.sun_elevation_deg, other.sun_elevation_deg))


def _slots(flown: Pass, link: PassLink, duration_s: float, times: Floats, seen: Sight) -> Slots:
    sun = _sun_elevation_deg(flown, times)
    return Slots(
        duration_s=duration_s,
        unix_s=times,
        sight=seen,
        sun_elevation_deg=sun,
        transmittance=link.channel.transmittance(seen.range_m, seen.elevation_deg),
        background=link.channel.background_photons(sun, link.open_s),
    )


def _sun_elevation_deg(flown: Pass, times: Floats) -> Floats:
    """At the slots, straight between looks at the Sun: off by 4e-5 degrees at most."""
    looks = np.linspace(flown.rise_s, flown.set_s, int(np.ceil(flown.duration_s / SUN_STEP_S)) + 1)
    return np.interp(times, looks, sun_elevation_deg(flown.station, looks))


def arrivals_of(
    source: Source, detector: Detector, misalignment: float, transmittance: Floats, background: Floats
) -> Arrivals:
    """What reaches the detectors in each slot; transmittance, background: (t,), detectors apart.

    The sky's photons join the signal's at both detectors alike.
    """
    mu, p = np.array(source.intensities), np.array(source.p_intensities)
    return slot_arrivals(mu, p, detector, misalignment, transmittance, background)


def pass_counts(
    source: Source,
    detector: Detector,
    p_key_basis: float,
    misalignment: float,
    slot_s: float,
    transmittance: Floats,
    background: Floats,
) -> DecoyCounts:
    """Expected sifted clicks and errors summed over slots of slot_s each, shape (2, k).

    transmittance, background: as of arrivals_of. The model of a receiver's clicks is that of fibres (emulate.clicks).
    Source: one block over the pass, as Sidhu et al., npj Quantum Inf. 8, 18 (2022).
    """
    matched = matched_rates(source, detector, p_key_basis, misalignment, transmittance, background)
    n_slot = source.clock_hz * slot_s
    return counts_of(source, p_key_basis, n_slot * np.size(transmittance), n_slot * matched.sum(axis=0))


def matched_rates(
    source: Source,
    detector: Detector,
    p_key_basis: float,
    misalignment: float,
    transmittance: Floats,
    background: Floats,
) -> Floats:
    """Clicks a pulse in each slot where the bases are equal, (t, k, 3): by intensity; right, wrong or both detectors.

    The intensity's probability is included, that of the bases is not; transmittance, background: as of arrivals_of.
    """
    arrived = arrivals_of(source, detector, misalignment, transmittance, background)
    p_aligned = p_key_basis**2 + (1.0 - p_key_basis) ** 2
    return aligned_rates(arrived, detector, source.clock_hz, p_aligned)


def counts_of(source: Source, p_key_basis: float, n_pulses: float, matched: Floats) -> DecoyCounts:
    """Sifted clicks and errors, shape (..., 2, k), from sums (..., k, 3) of matched_rates over pulses."""
    p_bases = np.array([p_key_basis**2, (1.0 - p_key_basis) ** 2])[:, None]
    half = 0.5 * matched[..., None, :, 2]
    errors = p_bases * (matched[..., None, :, 1] + half)
    clicks = errors + p_bases * (matched[..., None, :, 0] + half)
    return DecoyCounts(n_pulses, source.intensities, source.p_intensities, clicks, errors)


def pass_key(flown: Pass, link: PassLink, most_age_s: float) -> PassKey:
    """Expected counts and key of a pass, by the bound of its security; 0 with a reason where there is none.

    Raises ParameterError where the elements are more than most_age_s from the pass.
    """
    slots = slots_of(flown, link, most_age_s)
    counts = counts_over(slots, link)
    key = block_key(link, counts)
    return PassKey(flown, slots, counts, key, "" if key.length_bits > 0 else reason_of(slots, counts))


def counts_over(slots: Slots, link: PassLink) -> BlockCounts:
    """Expected counts of one block over slots. Those of decoy-bb84 are summed without the detour of expected_block."""
    if slots.other is not None:
        bob = slots.other
        return expected_block(
            link, slots.duration_s, bob.transmittance, bob.background, slots.transmittance, slots.background
        )
    return counts_through(link, slots.duration_s, slots.transmittance, slots.background)


def counts_through(link: PassLink, slot_s: float, transmittance: Floats, background: Floats) -> BlockCounts:
    """The same of slots of slot_s each, by their light and sky (t,), to one receiver."""
    if link.protocol.name != DECOY_BB84:
        return expected_block(link, slot_s, transmittance, background)
    wrong = link.channel.misalignment
    return pass_counts(link.source, link.detector, link.protocol.p_key_basis, wrong, slot_s, transmittance, background)


def reason_of(slots: Slots, counts: BlockCounts) -> str:
    """Why there is no key, in words."""
    if slots.unix_s.size == 0:
        return "the satellite stays below the horizon"
    sun_deg = float(slots.sun_elevation_deg.max())
    return why_none(counts, f"the Sun stands at {sun_deg:.0f} degrees" if sun_deg > BRIGHT_SUN_DEG else "")
