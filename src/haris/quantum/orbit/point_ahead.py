"""Point-ahead: how far before a satellite one aims, for it moves on while the light is on its way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.quantum.orbit.propagation import States
from haris.quantum.orbit.station import LIGHT_M_PER_S, Station
from haris.quantum.orbit.time_scales import EARTH_ROTATION_RAD_PER_S

Floats = NDArray[np.float64]


def point_ahead_rad(station: Station, seen: States) -> Floats:
    """Angle between where a satellite is seen and where light goes that shall meet it; of the states' leading shape.

    seen: states of the turning Earth. 2 v/c of the velocity across the line of sight, against the fixed stars: the
    station's own turn is in it. Source: derived here; to first order in v/c.
    """
    away = seen.position_m - station.position_m
    velocity = seen.velocity_m_per_s.copy()
    velocity[..., 0] -= EARTH_ROTATION_RAD_PER_S * away[..., 1]
    velocity[..., 1] += EARTH_ROTATION_RAD_PER_S * away[..., 0]
    across = np.cross(velocity, away) / np.linalg.norm(away, axis=-1, keepdims=True)
    return np.asarray(2.0 * np.linalg.norm(across, axis=-1) / LIGHT_M_PER_S)
