"""Weather over a station: how much of the sky is clouded, month by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.optics.free_space.clouds import p_clear
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
    borders, numbers = _borders(float(unix_s.min(initial=np.inf)), float(unix_s.max(initial=-np.inf)))
    return np.asarray(numbers[np.searchsorted(borders, unix_s, side="right") - 1])


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


def _borders(first_s: float, last_s: float) -> tuple[Floats, NDArray[np.int64]]:
    """When months begin from the one of first_s to that of last_s, and their numbers."""
    if not first_s <= last_s:
        return np.zeros(1), np.zeros(1, np.int64)
    start, stop = (datetime.fromtimestamp(at, UTC) for at in (first_s, last_s))
    count = (stop.year - start.year) * MONTHS + stop.month - start.month + 1
    numbers = np.arange(start.month - 1, start.month - 1 + count)
    begun = [datetime(start.year + n // MONTHS, n % MONTHS + 1, 1, tzinfo=UTC).timestamp() for n in numbers.tolist()]
    return np.array(begun), numbers % MONTHS
