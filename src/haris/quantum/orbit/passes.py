"""Passes: when a satellite stands above a station's least elevation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.arc import states_along
from haris.quantum.orbit.brackets import change, highest
from haris.quantum.orbit.elements import DAY_S, Elements
from haris.quantum.orbit.propagation import MOST_AGE_S, require_fresh, states
from haris.quantum.orbit.station import Sight, Station, sight

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
STEPS_A_TURN = 180
"""Of the first look: the highest point of a pass lies between two of its neighbours."""
MOST_LOOKS = 20_000_000


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of a satellite over a station; times in UTC, seconds since 1970.

    rise_s, set_s: where least_elevation_deg is passed, or the ends of what was searched (is_whole: neither).
    culmination_s, max_elevation_deg: the highest point. min_range_m: the least distance.
    """

    satellite: Elements
    station: Station
    least_elevation_deg: float
    rise_s: float
    culmination_s: float
    set_s: float
    max_elevation_deg: float
    min_range_m: float
    is_whole: bool

    @property
    def duration_s(self) -> float:
        """From rise to set."""
        return self.set_s - self.rise_s

    @property
    def where(self) -> str:
        """Over which station."""
        return self.station.name

    def sight_at(self, unix_s: Floats, most_age_s: float = MOST_AGE_S) -> Sight:
        """Where the station sees the satellite at times of shape (t,), one at least: by states_along, as it raises."""
        return sight(self.station, states_along(self.satellite, unix_s, most_age_s))


def passes(
    satellites: Sequence[Elements],
    station: Station,
    start_s: float,
    stop_s: float,
    least_elevation_deg: float = 10.0,
    most_age_s: float = MOST_AGE_S,
) -> tuple[Pass, ...]:
    """Every pass that lies at least in part in [start_s, stop_s), by rise; none for satellites that never rise.

    Rise, culmination and set are refined far below a second. A pass that only grazes the least elevation for less than
    a moment between two looks is found all the same, for the highest point is sought first.
    Raises ParameterError on an empty or too long span of time, an elevation outside [-90, 90), or as states does.
    """
    if not start_s < stop_s:
        raise ParameterError(f"a search must end after it starts, got {start_s} to {stop_s}")
    if not -90.0 <= least_elevation_deg < 90.0:
        raise ParameterError(f"least_elevation_deg must lie in [-90, 90), got {least_elevation_deg}")
    found: list[Pass] = []
    for satellite in satellites:
        require_fresh(satellite, start_s, stop_s, most_age_s)
        found += _of_one(satellite, station, start_s, stop_s, least_elevation_deg, most_age_s)
    return tuple(sorted(found, key=lambda each: each.rise_s))


def _of_one(
    satellite: Elements, station: Station, start_s: float, stop_s: float, least_deg: float, most_age_s: float
) -> list[Pass]:
    turn_s = min(satellite.period_s, DAY_S)  # of the satellite, or of the Earth below it
    n = max(int(np.ceil((stop_s - start_s) / turn_s * STEPS_A_TURN)), 3)
    if n > MOST_LOOKS:
        raise ParameterError(f"a search of {(stop_s - start_s) / 86400:.0f} days is too long: search it in parts")
    times = np.linspace(start_s, stop_s, n + 1)

    def seen(unix_s: Floats) -> Sight:
        return sight(station, states([satellite], unix_s, most_age_s)).part(0)

    looks = seen(times)
    elevation = looks.elevation_deg
    padded = np.concatenate([[-np.inf], elevation, [-np.inf]])
    peak = np.nonzero((elevation > padded[:-2]) & (elevation >= padded[2:]))[0]
    before, after = times[np.maximum(peak - 1, 0)], times[np.minimum(peak + 1, n)]
    culmination = highest(lambda t: seen(t).elevation_deg, before, after)
    high = seen(culmination).elevation_deg >= least_deg
    peak, culmination = peak[high], culmination[high]
    if peak.size == 0:
        return []
    # Between two highest points lies a lowest: a pass rises after the one before its own, and sets before the next.
    valley = np.nonzero((elevation <= padded[:-2]) & (elevation < padded[2:]))[0]
    lows = np.unique(np.concatenate([[0], valley, [n]]))
    left = times[lows[np.maximum(np.searchsorted(lows, peak, side="left") - 1, 0)]]
    right = times[lows[np.minimum(np.searchsorted(lows, peak, side="right"), lows.size - 1)]]

    def is_above(unix_s: Floats) -> Bools:
        return np.asarray(seen(unix_s).elevation_deg >= least_deg)

    rise, rises = _crossing(is_above, left, culmination)
    sets, does_set = _crossing(is_above, right, culmination)
    at_best = seen(culmination)
    nearest = highest(lambda t: -seen(t).range_m, *_about_nearest(times, looks.range_m, rise, sets))
    least_m = np.minimum.reduce([at_best.range_m, seen(nearest).range_m, seen(rise).range_m, seen(sets).range_m])
    # One that stands above the least elevation between two highest points makes one pass of them.
    first = np.nonzero(rises | (np.arange(peak.size) == 0))[0]
    found = []
    for start, stop in zip(first, [*first[1:], peak.size], strict=True):
        best = start + int(np.argmax(at_best.elevation_deg[start:stop]))
        found.append(
            Pass(
                satellite=satellite,
                station=station,
                least_elevation_deg=least_deg,
                rise_s=float(rise[start]),
                culmination_s=float(culmination[best]),
                set_s=float(sets[stop - 1]),
                max_elevation_deg=float(at_best.elevation_deg[best]),
                min_range_m=float(least_m[start:stop].min()),
                is_whole=bool(rises[start] and does_set[stop - 1]),
            )
        )
    return found


def _about_nearest(times: Floats, range_m: Floats, rise: Floats, sets: Floats) -> tuple[Floats, Floats]:
    """Where the least distance of each pass lies: between the neighbours of its nearest look.

    On an eccentric orbit that may be far from the highest point.
    """
    first, last = np.searchsorted(times, rise), np.searchsorted(times, sets, side="right")
    low, high = rise.copy(), sets.copy()
    for i, (start, stop) in enumerate(zip(first, last, strict=True)):
        if start < stop:
            best = start + int(np.argmin(range_m[start:stop]))
            low[i] = max(rise[i], times[max(best - 1, 0)])
            high[i] = min(sets[i], times[min(best + 1, times.size - 1)])
    return low, high


def _crossing(is_above: Callable[[Floats], Bools], low: Floats, high: Floats) -> tuple[Floats, Bools]:
    """Where each way from low to high comes above, and whether it does; low itself where that is above already."""
    crosses = ~is_above(low)
    return np.where(crosses, change(is_above, low, high), low), crosses
