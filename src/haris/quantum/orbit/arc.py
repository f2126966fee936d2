"""A satellite's way over a pass: polynomials through few looks, in place of SGP4 at every moment."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from haris.quantum.orbit.elements import Elements
from haris.quantum.orbit.propagation import States, fastest_rad_per_s, inertial_states, require_fresh, turned
from haris.quantum.orbit.time_scales import sidereal_angle_rad

Floats = NDArray[np.float64]
ARC_RAD = 1.0
"""Most of a turn by one polynomial, at the fastest: 15 minutes at 500 km."""
N_LOOKS = 9
"""At an arc's Chebyshev nodes, its ends among them."""
LEAST_ARC_S = 60.0
"""Looks nearer to each other would say little of velocities."""


def states_along(satellite: Elements, unix_s: Floats, most_age_s: float) -> States:
    """States of one satellite at times of shape (t,), one at least, as seen from the turning Earth: (t, 3).

    Within a centimetre of SGP4's positions, for an eccentricity above 0.4 half a metre. Velocities are the slopes of
    the positions, which SGP4's own are to some cm/s, at the perigee of an eccentric orbit to 2 m/s.
    Raises ParameterError as inertial_states does.
    """
    first_s, last_s = float(unix_s.min()), float(unix_s.max())
    require_fresh(satellite, first_s, last_s, most_age_s)
    n = max(math.ceil((last_s - first_s) / arc_s(satellite)), 1)
    half_s = max(last_s - first_s, LEAST_ARC_S) / (2.0 * n)
    start_s = (first_s + last_s) / 2.0 - n * half_s
    middles_s = start_s + half_s * np.arange(1.0, 2.0 * n, 2.0)
    nodes, to_powers = _nodes()
    looks_s = (middles_s[:, None] + half_s * nodes).ravel()
    looks = inertial_states([satellite], looks_s, most_age_s + LEAST_ARC_S).position_m[0]
    curves = to_powers @ turned(looks, sidereal_angle_rad(looks_s)).reshape(n, N_LOOKS, 3)
    slopes = curves[:, 1:] * (np.arange(1.0, N_LOOKS) / half_s)[:, None]
    if n == 1:
        return _on(curves[0], slopes[0], (unix_s - middles_s[0]) / half_s)
    of = np.minimum(((unix_s - start_s) / (2.0 * half_s)).astype(np.int64), n - 1)
    found = States(np.empty((unix_s.size, 3)), np.empty((unix_s.size, 3)))
    for i in range(n):
        here = of == i
        part = _on(curves[i], slopes[i], (unix_s[here] - middles_s[i]) / half_s)
        found.position_m[here], found.velocity_m_per_s[here] = part.position_m, part.velocity_m_per_s
    return found


def arc_s(satellite: Elements) -> float:
    """How long one polynomial may last."""
    return ARC_RAD / fastest_rad_per_s(satellite)


def _on(curve: Floats, slope: Floats, at: Floats) -> States:
    """On one arc, at shares (t,) of its half from its middle; curve, slope: of rising powers."""
    powers = np.empty((N_LOOKS, at.size))
    powers[0] = 1.0
    for k in range(1, N_LOOKS):
        np.multiply(powers[k - 1], at, out=powers[k])
    return States((curve.T @ powers).T, (slope.T @ powers[:-1]).T)


@lru_cache(maxsize=1)
def _nodes() -> tuple[Floats, Floats]:
    """Chebyshev's points of the second kind in [-1, 1], and the matrix from values there to a polynomial's powers."""
    nodes: Floats = chebyshev.chebpts2(N_LOOKS)
    return nodes, np.asarray(np.linalg.inv(np.vander(nodes, increasing=True)), dtype=np.float64)
