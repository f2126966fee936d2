"""Passes of many satellites over many stations for a long time: the search of passes.py on arrays, for plans.

Each satellite is propagated once for all stations, at looks some four minutes apart, and followed in between by curves
through their positions, velocities and accelerations. What a look cannot exclude from rising (its height over the
station's horizon bounds it) is refined, for all stations at once. Against `passes`, rise and set are within 0.05 s (as
slow as a geostationary one: 0.5 s; of weeks, where SGP4's velocities are not the slopes of its positions: 15 s) and the
highest elevation of a low orbit within 0.0001 degrees, of others 0.001; the tests hold it to that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import EARTH_MU_M3_PER_S2, Elements
from haris.quantum.orbit.passes import MOST_LOOKS, Pass, passes
from haris.quantum.orbit.propagation import MOST_AGE_S
from haris.quantum.orbit.station import Station
from haris.quantum.orbit.track import Track, acceleration_m_per_s2, quintic, step_s, track

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_TURNS = 30
"""Of regula falsi, at most; 6 are enough for nearly all."""
_TOLERANCE = 1e-7
"""Of a step: some 10 microseconds."""


@dataclass(frozen=True, slots=True)
class ManyPasses:
    """Passes by rise, as arrays of shape (n,); times in UTC, seconds since 1970.

    satellite, station: indices into satellites and stations. rise_s, culmination_s, set_s, max_elevation_deg, is_whole:
    as of Pass. range_m: the distance at the highest point.
    """

    satellites: tuple[Elements, ...]
    stations: tuple[Station, ...]
    least_elevation_deg: float
    satellite: Ints
    station: Ints
    rise_s: Floats
    culmination_s: Floats
    set_s: Floats
    max_elevation_deg: Floats
    range_m: Floats
    is_whole: NDArray[np.bool_]

    def __len__(self) -> int:
        return self.rise_s.size

    def single(self, i: int) -> Pass:
        """One of them; its least distance is that at the highest point."""
        return Pass(
            satellite=self.satellites[self.satellite[i]],
            station=self.stations[self.station[i]],
            least_elevation_deg=self.least_elevation_deg,
            rise_s=float(self.rise_s[i]),
            culmination_s=float(self.culmination_s[i]),
            set_s=float(self.set_s[i]),
            max_elevation_deg=float(self.max_elevation_deg[i]),
            min_range_m=float(self.range_m[i]),
            is_whole=bool(self.is_whole[i]),
        )

    def taken(self, chosen: NDArray[np.bool_] | Ints) -> ManyPasses:
        """Those that a mask or indices choose, in that order."""
        columns = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return ManyPasses(self.satellites, self.stations, self.least_elevation_deg, **columns)

    def exact(self, i: int, most_age_s: float = MOST_AGE_S) -> Pass:
        """Pass i anew, by the search without curves. Raises as passes does."""
        satellite, station = self.satellites[self.satellite[i]], self.stations[self.station[i]]
        # What was clipped stays so; what was not has its highest point, and a moment below, inside.
        aside_s = 10.0 if self.is_whole[i] else 0.0
        start_s, stop_s = float(self.rise_s[i]) - aside_s, float(self.set_s[i]) + aside_s
        found = passes([satellite], station, start_s, stop_s, self.least_elevation_deg, most_age_s)
        return max(found, key=lambda each: each.duration_s)


_COLUMNS: dict[str, NDArray[Any]] = {
    "satellite": np.zeros(0, np.int64),
    "station": np.zeros(0, np.int64),
    "rise_s": np.zeros(0),
    "culmination_s": np.zeros(0),
    "set_s": np.zeros(0),
    "max_elevation_deg": np.zeros(0),
    "range_m": np.zeros(0),
    "is_whole": np.zeros(0, np.bool_),
}
"""Of ManyPasses, each without a pass."""


def many_passes(
    satellites: Sequence[Elements],
    stations: Sequence[Station],
    start_s: float,
    stop_s: float,
    least_elevation_deg: float = 10.0,
    most_age_s: float = MOST_AGE_S,
) -> ManyPasses:
    """Every pass of every satellite over every station that lies at least in part in [start_s, stop_s).

    A year from one set of elements is an exercise in planning, not a prediction: most_age_s has to allow it.
    Raises as passes does.
    """
    if not start_s < stop_s:
        raise ParameterError(f"a search must end after it starts, got {start_s} to {stop_s}")
    if not -90.0 <= least_elevation_deg < 90.0:
        raise ParameterError(f"least_elevation_deg must lie in [-90, 90), got {least_elevation_deg}")
    found: list[dict[str, NDArray[Any]]] = []
    for i, satellite in enumerate(satellites if stations else ()):
        if (stop_s - start_s) / step_s(satellite) > MOST_LOOKS:
            raise ParameterError(f"a search of {(stop_s - start_s) / 86400:.0f} days is too long: search it in parts")
        way = track(satellite, start_s, stop_s, most_age_s)
        of_one = _of_one(way, stations, math.sin(math.radians(least_elevation_deg)))
        found.append(of_one | {"satellite": np.full(of_one["station"].size, i)})
    joined = {name: np.concatenate([empty, *(each[name] for each in found)]) for name, empty in _COLUMNS.items()}
    order = np.argsort(joined["rise_s"], kind="stable")
    columns: dict[str, Any] = {name: column[order] for name, column in joined.items()}
    return ManyPasses(tuple(satellites), tuple(stations), least_elevation_deg, **columns)


@dataclass(frozen=True, slots=True)
class _Looks:
    """The looks of one satellite that matter, station after station, each by time: east, north and up of the station.

    position_m, velocity_m_per_s, acceleration_m_per_s2: (3, c). at: which look of the track, (c,). station: (c,).
    linked: whether the next is the next look over the same station, and the satellite may rise in between.
    """

    position_m: Floats
    velocity_m_per_s: Floats
    acceleration_m_per_s2: Floats
    at: Ints
    station: Ints
    linked: NDArray[np.bool_]


def _looks_that_matter(way: Track, stations: Sequence[Station], least_sine: float) -> _Looks:
    """Looks next to which the satellite may be high enough.

    A satellite at the least elevation has at least a certain height over the plane of the horizon, and between two
    looks that height bulges by no more than a step^2 / 8, a being the acceleration.
    """
    from_centre = np.sqrt(np.einsum("it,it->t", way.position_m, way.position_m))
    perigee_m = float(from_centre.min())
    bulge_m = 1.3 * EARTH_MU_M3_PER_S2 / perigee_m**2 * way.step_s**2 / 8.0  # Coriolis' and centrifugal parts: 0.3
    parts = []
    for i, station in enumerate(stations):
        place, axes = station.position_m, station.axes
        least_m = _least_height_m(place, least_sine, perigee_m - bulge_m, float(from_centre.max())) - bulge_m
        height = axes[2] @ way.position_m
        high = height > least_m + axes[2] @ place
        near = np.zeros(high.size + 1, dtype=np.bool_)
        near[1:-1] = high[:-1] | high[1:]  # of the intervals between looks; none beyond the ends
        at = np.flatnonzero(near[:-1] | near[1:])
        p, v = way.position_m[:, at], way.velocity_m_per_s[:, at]
        local = (axes @ (p - place[:, None]), axes @ v, axes @ acceleration_m_per_s2(p, v))
        parts.append((*local, at, np.full(at.size, i), near[1:][at]))
    return _Looks(*(np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)))


def _least_height_m(place: Floats, least_sine: float, perigee_m: float, apogee_m: float) -> float:
    """Least height over the plane of a station's horizon at the least elevation or above it."""
    ground_m = float(np.linalg.norm(place))
    if least_sine <= 0.0:
        return least_sine * (apogee_m + ground_m)
    # The vertical is off the line to the Earth's centre by 0.2 degrees at most.
    sine = math.sin(min(math.asin(least_sine) + math.radians(0.2), math.pi / 2.0))
    square = (ground_m * sine) ** 2 + perigee_m**2 - ground_m**2
    return least_sine * max(math.sqrt(max(square, 0.0)) - ground_m * sine, 0.0)


def _of_one(way: Track, stations: Sequence[Station], least_sine: float) -> dict[str, NDArray[Any]]:
    """Columns of the passes of one satellite, but for `satellite`; by station, then by time."""
    looks = _looks_that_matter(way, stations, least_sine)
    sine = looks.position_m[2] / _length(looks.position_m)
    above = sine >= least_sine
    start = np.flatnonzero(looks.linked)
    rate = _climb(looks.position_m, looks.velocity_m_per_s)
    climbs, climbs_then = rate[start] > 0.0, rate[start + 1] > 0.0
    # A highest point, or a lowest one between two looks that are high themselves.
    turns = (climbs & ~climbs_then) | (~climbs & climbs_then & above[start] & above[start + 1])

    # Highest and lowest points join the looks, so that the elevation is monotone from each moment to the next.
    curve = _Curves.of(looks, start[turns], way.step_s)
    turn = _root(curve, _Curves.climb, np.zeros(curve.first.size), np.ones(curve.first.size))
    turn_above = curve.sine(turn) >= least_sine
    middle, middle_above = np.ones(start.size), above[start + 1]
    middle[turns], middle_above[turns] = turn, turn_above
    first = np.concatenate([start, curve.first])
    low, high = np.concatenate([np.zeros(start.size), turn]), np.concatenate([middle, np.ones(turn.size)])
    was, will = np.concatenate([above[start], turn_above]), np.concatenate([middle_above, above[curve.first + 1]])
    crosses = was != will
    up = will[crosses]
    bend = _Curves.of(looks, first[crosses], way.step_s)
    cross = _root(bend, lambda c, share: c.sine(share) - least_sine, low[crosses], high[crosses])

    # A moment is one number: which of the looks it follows, and by what share of a step.
    moment = bend.first + cross
    opens = np.flatnonzero(above & (looks.at == 0))
    closes = np.flatnonzero(above & (looks.at == way.position_m.shape[1] - 1))
    rise, sets = np.sort(np.concatenate([moment[up], opens])), np.sort(np.concatenate([moment[~up], closes]))
    assert rise.size == sets.size
    best, best_sine, range_m = _highest(looks, rise, sets, curve, turn, np.concatenate([opens, closes]))

    def time_s(moments: Floats) -> Floats:
        whole = np.floor(moments)
        return np.asarray(way.start_s + (looks.at[whole.astype(np.int64)] + (moments - whole)) * way.step_s)

    return {
        "station": looks.station[rise.astype(np.int64)],
        "rise_s": time_s(rise),
        "culmination_s": time_s(best),
        "set_s": time_s(sets),
        "max_elevation_deg": np.degrees(np.arcsin(np.clip(best_sine, -1.0, 1.0))),
        "range_m": range_m,
        "is_whole": ~(np.isin(rise, opens) | np.isin(sets, closes)),
    }


def _highest(
    looks: _Looks, rise: Floats, sets: Floats, curve: _Curves, turn: Floats, ends: Ints
) -> tuple[Floats, Floats, Floats]:
    """Moment, sine of the elevation and range of each pass's highest point: one of the turns, or a clipped end."""
    moment = np.concatenate([curve.first + turn, ends])
    sine = np.concatenate([curve.sine(turn), looks.position_m[2, ends] / _length(looks.position_m[:, ends])])
    range_m = np.concatenate([curve.range_m(turn), _length(looks.position_m[:, ends])])
    of = np.searchsorted(rise, moment, side="right") - 1
    inside = (of >= 0) & (moment <= sets[np.maximum(of, 0)]) if rise.size else np.zeros(of.size, dtype=np.bool_)
    order = np.flatnonzero(inside)[np.argsort(sine[inside], kind="stable")]  # of several in a pass the last stays
    which = np.zeros(rise.size, dtype=np.int64)
    which[of[order]] = order
    return moment[which], sine[which], range_m[which]


@dataclass(frozen=True, slots=True)
class _Curves:
    """Curves from looks to the next ones: coefficients as of quintic, each (3, c). first: the look, (c,)."""

    first: Ints
    coefficients: tuple[Floats, ...]

    @classmethod
    def of(cls, looks: _Looks, first: Ints, step: float) -> _Curves:
        of = looks.position_m, looks.velocity_m_per_s, looks.acceleration_m_per_s2
        return cls(first, quintic([each[:, first] for each in of], [each[:, first + 1] for each in of], step))

    def position_m(self, share: Floats) -> Floats:
        a, b, c, d, e, f = self.coefficients
        return np.asarray(a + share * (b + share * (c + share * (d + share * (e + share * f)))))

    def sine(self, share: Floats) -> Floats:
        away = self.position_m(share)
        return np.asarray(away[2] / _length(away))

    def climb(self, share: Floats) -> Floats:
        _, b, c, d, e, f = self.coefficients
        change = b + share * (2.0 * c + share * (3.0 * d + share * (4.0 * e + share * (5.0 * f))))
        return _climb(self.position_m(share), change)

    def range_m(self, share: Floats) -> Floats:
        return _length(self.position_m(share))

    def taken(self, chosen: NDArray[np.bool_]) -> _Curves:
        return _Curves(self.first[chosen], tuple(each[:, chosen] for each in self.coefficients))


def _length(vectors: Floats) -> Floats:
    x, y, z = vectors
    return np.asarray(np.sqrt(x * x + y * y + z * z))


def _climb(position: Floats, velocity: Floats) -> Floats:
    """Whether the elevation rises, and how fast, up to a factor above 0: up' r^2 - up (r r')."""
    x, y, z = position
    vx, vy, vz = velocity
    return np.asarray(vz * (x * x + y * y) - z * (x * vx + y * vy))


def _root(curves: _Curves, of: Callable[[_Curves, Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where each curve's function, of other sign at low than at high, is 0: regula falsi, as Illinois has it.

    Source: Dowell, Jarratt, BIT 11, 168 (1971).
    """
    found = high.copy()
    left = np.arange(low.size)
    kept, last = low, high
    at_kept, at_last = of(curves, kept), of(curves, last)
    for _ in range(_TURNS):
        way = at_last - at_kept
        share = np.divide(at_last, way, out=np.full_like(way, 0.5), where=way != 0.0)
        middle = last - share * (last - kept)
        value = of(curves, middle)
        crosses = (value > 0.0) != (at_last > 0.0)
        moved = np.abs(middle - last)
        # An end that stays counts half, so that it moves, too.
        kept, at_kept = np.where(crosses, last, kept), np.where(crosses, at_last, at_kept / 2.0)
        last, at_last = middle, value
        found[left] = last
        more = moved > _TOLERANCE
        if not np.any(more):
            break
        if 2 * np.count_nonzero(more) < more.size:
            curves, left = curves.taken(more), left[more]
            kept, at_kept, last, at_last = kept[more], at_kept[more], last[more], at_last[more]
    return found
