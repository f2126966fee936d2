"""Shared passes: when two stations see a satellite at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from haris.quantum.orbit.brackets import highest
from haris.quantum.orbit.elements import Elements
from haris.quantum.orbit.passes import Pass, passes
from haris.quantum.orbit.propagation import MOST_AGE_S, states
from haris.quantum.orbit.station import Sight, Station, sight

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SharedPass(Pass):
    """One pass of a satellite over two stations, station and other, for as long as both see it.

    rise_s, set_s: where the second of them sees it rise, and the first sees it set. max_elevation_deg: the most that
    the lower of its two elevations reaches, at culmination_s. min_range_m: the least that the greater distance gets.
    """

    other: Station

    @property
    def where(self) -> str:
        """Names of both stations."""
        return f"{self.station.name} + {self.other.name}"

    @property
    def over_other(self) -> Pass:
        """The same time as the other station has it; highest point and least distance stay those of both."""
        return Pass(
            self.satellite,
            self.other,
            self.least_elevation_deg,
            self.rise_s,
            self.culmination_s,
            self.set_s,
            self.max_elevation_deg,
            self.min_range_m,
            self.is_whole,
        )


def shared_passes(
    satellites: Sequence[Elements],
    stations: tuple[Station, Station],
    start_s: float,
    stop_s: float,
    least_elevation_deg: float = 10.0,
    most_age_s: float = MOST_AGE_S,
) -> tuple[SharedPass, ...]:
    """Every time in which two stations both see a satellite, by rise: what the passes over each have in common.

    None where they lie too far apart, or a satellite never rises. Raises as passes does.
    """
    found = []
    for satellite in satellites:
        over = [passes([satellite], each, start_s, stop_s, least_elevation_deg, most_age_s) for each in stations]
        for one in over[0]:
            for two in over[1]:
                rise_s, set_s = max(one.rise_s, two.rise_s), min(one.set_s, two.set_s)
                if rise_s < set_s:
                    is_whole = start_s < rise_s and set_s < stop_s
                    found.append(_shared(replace(one, rise_s=rise_s, set_s=set_s, is_whole=is_whole), two, most_age_s))
    return tuple(sorted(found, key=lambda each: each.rise_s))


def _shared(one: Pass, two: Pass, most_age_s: float) -> SharedPass:
    """one: already cut to what both have."""

    def seen(station: Station, unix_s: Floats) -> Sight:
        return sight(station, states([one.satellite], unix_s, most_age_s)).part(0)

    def lower_deg(unix_s: Floats) -> Floats:
        return np.minimum(seen(one.station, unix_s).elevation_deg, seen(two.station, unix_s).elevation_deg)

    def nearness_m(unix_s: Floats) -> Floats:
        return -np.maximum(seen(one.station, unix_s).range_m, seen(two.station, unix_s).range_m)

    span = np.array([one.rise_s]), np.array([one.set_s])
    top, near = highest(lower_deg, *span), highest(nearness_m, *span)
    return SharedPass(
        one.satellite,
        one.station,
        one.least_elevation_deg,
        one.rise_s,
        float(top[0]),
        one.set_s,
        float(lower_deg(top)[0]),
        float(-nearness_m(near)[0]),
        one.is_whole,
        two.station,
    )
