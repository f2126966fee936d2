"""Clouds in the line of sight."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.errors import ParameterError


def p_clear(cover: ArrayLike, elevation_deg: ArrayLike) -> NDArray[np.float64]:
    """Probability that no cloud stands in the line of sight; any shapes.

    cover: share of the sky that is clouded, seen from below. (1 - N)^f, f = sqrt(1 + cot(el)^2).
    Raises ParameterError outside [0, 1] and (0, 90]. Source: Kauth, Penquite, J. Appl. Meteorol. 6, 1005 (1967).
    """
    n, at = np.asarray(cover, dtype=np.float64), np.asarray(elevation_deg, dtype=np.float64)
    if not np.all((n >= 0.0) & (n <= 1.0)):
        raise ParameterError("cover must lie in [0, 1]")
    if not np.all((at > 0.0) & (at <= 90.0)):
        raise ParameterError("elevation_deg must lie in (0, 90]")
    return np.asarray((1.0 - n) ** (1.0 / np.sin(np.radians(at))))
