"""The way of one satellite over a long time: looks at equal steps, and curves of fifth degree in between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from haris.quantum.orbit.elements import EARTH_MU_M3_PER_S2, EARTH_RADIUS_M, Elements
from haris.quantum.orbit.propagation import fastest_rad_per_s, inertial_states
from haris.quantum.orbit.time_scales import EARTH_ROTATION_RAD_PER_S, sidereal_angle_rad

Floats = NDArray[np.float64]
STEP_RAD = 0.3
"""Most of an orbit between two looks, at the perigee: 256 s at 500 km. The curves are then off by 1.1 m at most, for
SGP4's velocities are not quite the derivatives of its positions."""
J2 = 1.082616e-3
"""Of the Earth's oblateness, WGS-72."""


@dataclass(frozen=True, slots=True)
class Track:
    """Looks at a satellite in the frame that turns with the Earth.

    start_s: of the first look, UTC, seconds since 1970. step_s: from look to look.
    position_m, velocity_m_per_s: (3, n).
    """

    start_s: float
    step_s: float
    position_m: Floats
    velocity_m_per_s: Floats


def track(satellite: Elements, start_s: float, stop_s: float, most_age_s: float) -> Track:
    """Looks from start_s to stop_s, both included, by SGP4. Raises as inertial_states does."""
    n = max(math.ceil((stop_s - start_s) / step_s(satellite)), 1)
    times, cos, sin = _turning(start_s, stop_s, n)
    looks = inertial_states([satellite], times, most_age_s)
    x, y, z = looks.position_m[0].T
    vx, vy, vz = looks.velocity_m_per_s[0].T
    position = np.stack([cos * x + sin * y, cos * y - sin * x, z])
    velocity = np.stack([cos * vx + sin * vy, cos * vy - sin * vx, vz])
    velocity[0] += EARTH_ROTATION_RAD_PER_S * position[1]
    velocity[1] -= EARTH_ROTATION_RAD_PER_S * position[0]
    return Track(start_s, (stop_s - start_s) / n, position, velocity)


def step_s(satellite: Elements) -> float:
    """Seconds between two looks: a power of two, so that many satellites share their moments."""
    return float(2.0 ** math.floor(math.log2(STEP_RAD / fastest_rad_per_s(satellite))))


def acceleration_m_per_s2(position_m: Floats, velocity_m_per_s: Floats) -> Floats:
    """In the frame that turns with the Earth, (3, c): gravity with the Earth's oblateness, Coriolis', centrifugal.

    Source: Montenbruck, Gill, Satellite Orbits (2000), Eqs. (3.1) and (3.33) for J2 alone.
    """
    x, y, z = position_m
    vx, vy, _ = velocity_m_per_s
    square = x * x + y * y + z * z
    pull = EARTH_MU_M3_PER_S2 / (square * np.sqrt(square))
    oblate = 1.5 * J2 * EARTH_RADIUS_M**2 / square
    lean = 5.0 * z * z / square
    across = EARTH_ROTATION_RAD_PER_S**2 - pull * (1.0 + oblate * (1.0 - lean))
    twice = 2.0 * EARTH_ROTATION_RAD_PER_S
    return np.stack([across * x + twice * vy, across * y - twice * vx, -pull * (1.0 + oblate * (3.0 - lean)) * z])


def quintic(first: Sequence[Floats], last: Sequence[Floats], step: float) -> tuple[Floats, ...]:
    """Coefficients, constant first, of the curve in the share [0, 1] of a step between two looks (Hermite).

    first, last: position, velocity and acceleration of either look, any one shape. Off by step^6 / 46080 of the sixth
    derivative at most.
    """
    p, v, a = first[0], step * first[1], step**2 * first[2]
    way, gain, change = last[0] - p - v - a / 2.0, step * last[1] - v - a, step**2 * last[2] - a
    return (
        p,
        v,
        a / 2.0,
        10.0 * way - 4.0 * gain + change / 2.0,
        -15.0 * way + 7.0 * gain - change,
        6.0 * way - 3.0 * gain + change / 2.0,
    )


@lru_cache(maxsize=2)
def _turning(start_s: float, stop_s: float, n: int) -> tuple[Floats, Floats, Floats]:
    """Times of the looks, and cosine and sine of how far the Earth has turned: the same for many satellites."""
    times = np.linspace(start_s, stop_s, n + 1)
    angle = sidereal_angle_rad(times)
    return times, np.cos(angle), np.sin(angle)
