"""Mutual sight: when two satellites see each other past the Earth's limb."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.brackets import change, highest
from haris.quantum.orbit.elements import Elements
from haris.quantum.orbit.propagation import MOST_AGE_S, inertial_states
from haris.quantum.orbit.station import WGS84_RADIUS_M

Floats = NDArray[np.float64]
STEPS_A_TURN = 360
"""Of the first look; a window between two looks is found by the best moment between them."""
MOST_LOOKS = 2_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which two satellites see each other; UTC, seconds since 1970.

    start_s, stop_s: where sight begins and ends, or the ends of what was searched (is_whole: neither). nearest_s,
    min_range_m: the least distance.
    """

    sender: Elements
    receiver: Elements
    start_s: float
    nearest_s: float
    stop_s: float
    min_range_m: float
    is_whole: bool

    @property
    def duration_s(self) -> float:
        """From start to stop."""
        return self.stop_s - self.start_s

    def between(self, unix_s: Floats, most_age_s: float = MOST_AGE_S) -> Between:
        """The two at times of shape (t,)."""
        return between(self.sender, self.receiver, unix_s, most_age_s)


@dataclass(frozen=True, slots=True)
class Between:
    """Two satellites at times (t,), in TEME.

    away_m: from receiver to sender, (t, 3). range_m, range_rate_m_per_s: distance, and how fast it grows.
    across_m_per_s: speed of one about the other. grazing_m: how high the line of sight passes above a sphere with the
    Earth's equatorial radius, at its lowest between the two.
    """

    receiver_m: Floats
    away_m: Floats
    range_m: Floats
    range_rate_m_per_s: Floats
    across_m_per_s: Floats
    grazing_m: Floats


def between(sender: Elements, receiver: Elements, unix_s: Floats, most_age_s: float = MOST_AGE_S) -> Between:
    """Two satellites as they see each other. Raises as inertial_states does."""
    states = inertial_states([sender, receiver], unix_s, most_age_s)
    place, velocity = states.position_m, states.velocity_m_per_s
    away, speed = place[0] - place[1], velocity[0] - velocity[1]
    range_m = np.maximum(np.linalg.norm(away, axis=-1), 1e-3)
    rate = np.einsum("ti,ti->t", away, speed) / range_m
    share = np.clip(-np.einsum("ti,ti->t", place[1], away) / range_m**2, 0.0, 1.0)
    lowest = np.linalg.norm(place[1] + share[:, None] * away, axis=-1)
    across = np.sqrt(np.maximum(np.einsum("ti,ti->t", speed, speed) - rate**2, 0.0))
    return Between(place[1], away, range_m, rate, across, lowest - WGS84_RADIUS_M)


def windows(
    sender: Elements,
    receiver: Elements,
    start_s: float,
    stop_s: float,
    least_grazing_m: float,
    most_range_m: float = np.inf,
    most_age_s: float = MOST_AGE_S,
) -> tuple[Window, ...]:
    """Every window of mutual sight in [start_s, stop_s), in order; none of two that never see each other.

    least_grazing_m: how high above the ground the line of sight must stay. most_range_m: beyond it they do not try.
    Raises ParameterError on an empty or too long search, or as inertial_states does.
    """
    if not start_s < stop_s:
        raise ParameterError(f"a search must end after it starts, got {start_s} to {stop_s}")
    n = max(int(np.ceil((stop_s - start_s) / min(sender.period_s, receiver.period_s) * STEPS_A_TURN)), 3)
    if n > MOST_LOOKS:
        raise ParameterError(f"a search of {(stop_s - start_s) / 86400:.0f} days is too long: search it in parts")

    def margin(unix_s: Floats) -> Floats:
        seen = between(sender, receiver, unix_s, most_age_s)
        return np.minimum(seen.grazing_m - least_grazing_m, most_range_m - seen.range_m)

    looks = np.linspace(start_s, stop_s, n + 1)
    found = margin(looks)
    here, before, after = found[1:-1], found[:-2], found[2:]
    peak = 1 + np.nonzero((here >= before) & (here >= after) & (here < 0.0))[0]
    dip = 1 + np.nonzero((here <= before) & (here <= after) & (here >= 0.0))[0]
    turns = [highest(margin, looks[peak - 1], looks[peak + 1])] if peak.size else []
    turns += [highest(lambda t: -margin(t), looks[dip - 1], looks[dip + 1])] if dip.size else []
    looks = np.unique(np.concatenate([looks, *turns]))
    sees = margin(looks) >= 0.0
    at = np.nonzero(sees[1:] != sees[:-1])[0]
    closes = sees[at]
    edges = change(lambda t: margin(t) >= 0.0, looks[at + closes], looks[at + ~closes])
    begins = [start_s] * bool(sees[0]) + list(edges[~closes])
    ends = list(edges[closes]) + [stop_s] * bool(sees[-1])
    return tuple(
        _window(sender, receiver, begin, end, bool(begin > start_s and end < stop_s), most_age_s)
        for begin, end in zip(begins, ends, strict=True)
        if end > begin
    )


def _window(
    sender: Elements, receiver: Elements, begin: float, end: float, is_whole: bool, most_age_s: float
) -> Window:
    def near(unix_s: Floats) -> Floats:
        return -between(sender, receiver, unix_s, most_age_s).range_m

    n = max(int((end - begin) / min(sender.period_s, receiver.period_s) * STEPS_A_TURN), 2)
    looks = np.linspace(begin, end, n + 1)
    best = int(np.argmax(near(looks)))
    around = looks[max(best - 1, 0)], looks[min(best + 1, n)]
    nearest = highest(near, np.array(around[:1]), np.array(around[1:]))
    return Window(sender, receiver, float(begin), float(nearest[0]), float(end), float(-near(nearest)[0]), is_whole)
