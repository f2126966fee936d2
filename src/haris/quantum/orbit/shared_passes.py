"""Shared passes: when two stations see a satellite at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from haris.quantum.orbit.brackets import highest
from haris.quantum.orbit.elements import Elements
from haris.quantum.orbit.passes import STEPS_A_TURN, Pass, passes
from haris.quantum.orbit.propagation import MOST_AGE_S, states
from haris.quantum.orbit.station import Sight, Station, sight

Floats = NDArray[np.float64]
LEAST_LOOKS = 16


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
    found: list[SharedPass] = []
    for satellite in satellites:
        over = [passes([satellite], each, start_s, stop_s, least_elevation_deg, most_age_s) for each in stations]
        spans = [
            (max(one.rise_s, two.rise_s), min(one.set_s, two.set_s))
            for one in over[0]
            for two in over[1]
            if max(one.rise_s, two.rise_s) < min(one.set_s, two.set_s)
        ]
        found += _shared(satellite, stations, np.array(spans).reshape(-1, 2).T, least_elevation_deg, most_age_s)
    cut = (replace(each, is_whole=start_s < each.rise_s and each.set_s < stop_s) for each in found)
    return tuple(sorted(cut, key=lambda each: each.rise_s))


def _shared(
    satellite: Elements, stations: tuple[Station, Station], spans: Floats, least_deg: float, most_age_s: float
) -> list[SharedPass]:
    """What both stations have of one satellite in spans (2, n): starts and ends."""

    def seen(unix_s: Floats) -> list[Sight]:
        there = states([satellite], unix_s, most_age_s)
        return [sight(station, there).part(0) for station in stations]

    def lower_deg(unix_s: Floats) -> Floats:
        return np.minimum(*(each.elevation_deg for each in seen(unix_s)))

    def nearness_m(unix_s: Floats) -> Floats:
        return -np.maximum(*(each.range_m for each in seen(unix_s)))

    if not spans.size:
        return []
    rise, sets = spans
    n_looks = max(int(np.ceil((sets - rise).max() / satellite.period_s * STEPS_A_TURN)), LEAST_LOOKS)
    top, near = (highest(of, *_about_best(of, rise, sets, n_looks)) for of in (lower_deg, nearness_m))
    columns = (each.tolist() for each in (rise, top, sets, lower_deg(top), -nearness_m(near)))
    return [
        SharedPass(satellite, stations[0], least_deg, begin, highest_s, end, deg, range_m, True, stations[1])
        for begin, highest_s, end, deg, range_m in zip(*columns, strict=True)
    ]


def _about_best(of: Callable[[Floats], Floats], rise: Floats, sets: Floats, n_looks: int) -> tuple[Floats, Floats]:
    """The neighbours of the best of some looks at each span: on an eccentric orbit a function has several peaks."""
    looks = rise[:, None] + (sets - rise)[:, None] * np.linspace(0.0, 1.0, n_looks + 1)
    best = np.argmax(of(looks.ravel()).reshape(looks.shape), axis=1)
    row = np.arange(rise.size)
    return looks[row, np.maximum(best - 1, 0)], looks[row, np.minimum(best + 1, n_looks)]
