"""Weather over a station: how much of the sky is clouded, month by month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.optics.free_space.clouds import p_clear
from haris.quantum.orbit.elements import DAY_S
from haris.quantum.orbit.many_passes import ManyPasses

Floats = NDArray[np.float64]
MONTHS = 12
_NODES = 8


@dataclass(frozen=True, slots=True)
class Weather:
    """Of one station. cloud_cover: share of the sky that is clouded, seen from below, in each month, January first.

    Raises ParameterError on other than twelve shares.
    """

    station: str
    cloud_cover: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.cloud_cover) != MONTHS:
            raise ParameterError(
                f"cloud_cover of {self.station} has {len(self.cloud_cover)} months, and needs {MONTHS}"
            )
        for share in self.cloud_cover:
            require_probability("cloud_cover", share)


def months(unix_s: Floats) -> NDArray[np.int64]:
    """Month of each time, 0 to 11, UTC."""
    return _calendar_months(unix_s) % MONTHS


def days_of_months(start_s: float, stop_s: float) -> Floats:
    """How many days of each month of the year lie between two times, UTC, those of several years added: shape (12,)."""
    first, last = _calendar_months(np.array([start_s, stop_s]))
    borders = np.arange(first, last + 2).astype("datetime64[M]").astype("datetime64[s]").astype(np.float64)
    days = np.zeros(MONTHS)
    np.add.at(days, np.arange(first, last + 1) % MONTHS, np.diff(np.clip(borders, start_s, stop_s)) / DAY_S)
    return days


def clear(passes: ManyPasses, weather: tuple[Weather, ...], otherwise: float = 0.0) -> Floats:
    """Probability that a cloud is not in the way, each moment of a pass weighed by its light, shape (n,).

    otherwise: cloud cover of a station without weather. Light falls off from the highest point as 1/(1 + (t v/r)^2) and
    the sine of the elevation as its root: a straight way at constant height, close for a low orbit's passes.
    Source: p_clear (Kauth, Penquite 1967).
    """
    known = {each.station: np.array(each.cloud_cover) for each in weather}
    clouded = np.full(len(passes), otherwise)
    month = months(passes.culmination_s) if len(passes) else np.zeros(0, np.int64)
    for number, station in enumerate(passes.stations):
        of = passes.station == number
        if station.name in known:
            clouded[of] = known[station.name][month[of]]
    highest = np.sin(np.radians(np.maximum(passes.max_elevation_deg, 0.1)))
    least = np.sin(np.radians(max(passes.least_elevation_deg, 0.1)))
    widest = np.arccos(np.clip(least / highest, 0.0, 1.0))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    sines = highest[:, None] * np.cos(widest[:, None] * (nodes + 1.0) / 2.0)
    elevation = np.degrees(np.arcsin(np.minimum(sines, 1.0)))
    return np.asarray(p_clear(clouded[:, None], elevation) @ (weights / 2.0))


def _calendar_months(unix_s: Floats) -> NDArray[np.int64]:
    """Months since January 1970, UTC, of any year."""
    return np.floor(unix_s).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
