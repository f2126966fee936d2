"""The key of a season: of many satellites over many stations, with weather, conflicts, and pairs of stations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import DAY_S, Elements
from haris.quantum.orbit.many_passes import ManyPasses, many_passes
from haris.quantum.orbit.station import Station
from haris.quantum.space.handover import flown
from haris.quantum.space.many_keys import ManyKeys, many_keys
from haris.quantum.space.pass_link import DECOY_BB84, PassLink
from haris.quantum.space.single_keys import single_keys
from haris.quantum.space.weather import MONTHS, Weather, clear, days_of_months, months

Floats = NDArray[np.float64]
Apply = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""As map: several machines' in place of it, for one."""


MOST_CHOICES = 5000


@dataclass(frozen=True, slots=True)
class Handover:
    """How passes follow each other.

    turn_s: from the end of a pass to the start of the next, at a satellite as at a station. store_bits: key towards one
    station that a satellite holds at most; what is above is not flown for. Raises ParameterError on less than 0.
    """

    turn_s: float = 30.0
    store_bits: float = 1e12

    def __post_init__(self) -> None:
        require_not_negative("turn_s", self.turn_s)
        require_positive("store_bits", self.store_bits)


@dataclass(frozen=True, slots=True)
class Season:
    """What a season gives.

    keys: every pass, under a clear sky. clear: probability of that, (n,). is_flown: which passes are, where they are in
    conflict, (n,). start_s, days: when it begins (UTC, seconds since 1970) and how long it is. handover: how passes
    followed each other.
    """

    keys: ManyKeys
    clear: Floats
    is_flown: NDArray[np.bool_]
    start_s: float
    days: float
    handover: Handover

    @property
    def expected_bits(self) -> Floats:
        """Of each pass: its key times the chance of a clear sky, 0 where it is not flown."""
        return np.where(self.is_flown, self.keys.secret_bits * self.clear, 0.0)

    def by_month(self) -> Floats:
        """Expected bits of each station and month of the year, (stations, 12)."""
        passes = self.keys.passes
        sums = np.zeros((len(passes.stations), MONTHS))
        if len(passes):
            np.add.at(sums, (passes.station, months(passes.culmination_s)), self.expected_bits)
        return sums

    def days_by_month(self) -> Floats:
        """How many of its days lie in each month of the year, (12,)."""
        return days_of_months(self.start_s, self.start_s + self.days * DAY_S)

    @property
    def oldest_elements_s(self) -> float:
        """How far the season reaches from the epoch of a satellite's elements, at most; 0 without a satellite."""
        ends = self.start_s, self.start_s + self.days * DAY_S
        epochs = [each.epoch_s for each in self.keys.passes.satellites]
        return max((abs(end - epoch) for end in ends for epoch in epochs), default=0.0)

    def nights(self, station: int) -> Floats:
        """Expected bits of each night with a pass that is flown, from noon to noon by the Sun: shape (nights,)."""
        passes = self.keys.passes
        of = (passes.station == station) & self.is_flown
        noon_s = (0.5 - passes.stations[station].longitude_deg / 360.0) * DAY_S
        night = np.floor((passes.culmination_s[of] - noon_s) / DAY_S).astype(np.int64)
        _, at = np.unique(night, return_inverse=True)
        sums = np.zeros(int(at.max(initial=-1)) + 1)
        np.add.at(sums, at, self.expected_bits[of])
        return sums

    def pairs(self) -> Floats:
        """Expected bits a day that each pair of stations can share of what is flown, with no third; (n, n).

        A satellite that holds key towards both XORs them at once; towards one it holds at most handover.store_bits. The
        expected key of each pass is taken for what it brings, so that a bound is reached a little too smoothly.
        """
        passes, bits = self.keys.passes, self.expected_bits
        n = len(passes.stations)
        shared = np.zeros((n, n))
        served = np.flatnonzero(bits > 0.0)
        for satellite in range(len(passes.satellites)):
            of = served[passes.satellite[served] == satellite]
            for a, b in combinations(range(n), 2):
                of_pair = of[(passes.station[of] == a) | (passes.station[of] == b)]
                signs = np.where(passes.station[of_pair] == a, 1.0, -1.0)
                shared[a, b] += _paired(signs * bits[of_pair], self.handover.store_bits)
        return np.asarray((shared + shared.T) / self.days)

    @property
    def least_bits_a_day(self) -> float:
        """Of the pair of stations that gets least; of a single station, its own. 0 without a station."""
        n = len(self.keys.passes.stations)
        if n < 2:
            return float(self.expected_bits.sum() / self.days)
        return float(self.pairs()[np.triu_indices(n, 1)].min())

    def of_stations(self, chosen: Sequence[int]) -> Season:
        """The season of some of its stations alone, in that order: passes give way anew."""
        passes = self.keys.passes
        place = np.full(len(passes.stations), -1)
        place[list(chosen)] = np.arange(len(chosen))
        of = place[passes.station] >= 0
        some = passes.taken(of)
        some = replace(some, stations=tuple(passes.stations[i] for i in chosen), station=place[some.station])
        keys = ManyKeys(some, self.keys.sifted_bits[of], self.keys.qber[of], self.keys.secret_bits[of])
        clear = self.clear[of]
        is_flown = flown(some, keys.secret_bits * clear, self.handover.turn_s)
        return Season(keys, clear, is_flown, self.start_s, self.days, self.handover)

    def choices(self, n_stations: int) -> tuple[Season, ...]:
        """The season of every choice of so many of its stations, the one that serves its least best first.

        Raises ParameterError on a number that cannot be chosen, or more than MOST_CHOICES of them.
        """
        n = len(self.keys.passes.stations)
        if not 1 <= n_stations <= n:
            raise ParameterError(f"of {n} stations 1 to {n} can be chosen, not {n_stations}")
        if comb(n, n_stations) > MOST_CHOICES:
            raise ParameterError(f"{comb(n, n_stations)} choices of stations are more than {MOST_CHOICES}: name fewer")
        found = [self.of_stations(each) for each in combinations(range(n), n_stations)]
        return tuple(sorted(found, key=lambda each: -each.least_bits_a_day))


def _paired(gains: Floats, most: float) -> float:
    """What is paired of gains towards one station (above 0) and another (below 0), in order, with a bounded stock."""
    stock = paired = 0.0
    for gain in gains.tolist():
        paired += min(abs(gain), abs(stock)) if gain * stock < 0.0 else 0.0
        stock = min(max(stock + gain, -most), most)
    return paired


def season(
    satellites: Sequence[Elements],
    stations: Sequence[Station],
    link: PassLink,
    start_s: float,
    days: float,
    least_elevation_deg: float,
    most_age_s: float,
    weather: tuple[Weather, ...] = (),
    handover: Handover | None = None,
    apply: Apply = map,
) -> Season:
    """Find every pass and its key, satellite by satellite by apply, and choose among those in conflict.

    Raises ParameterError as many_passes and many_keys, of blocks of several passes, and of light for two stations.
    """
    link.require_one_to_one("a season")
    require_positive("days", days)
    rules = handover or Handover()
    one = partial(
        _of_one,
        stations=tuple(stations),
        link=link,
        span=(start_s, start_s + days * DAY_S),
        least_elevation_deg=least_elevation_deg,
        most_age_s=most_age_s,
    )
    keys = _joined(tuple(satellites), tuple(stations), least_elevation_deg, list(apply(one, satellites)))
    chance = clear(keys.passes, weather, link.channel.cloud_cover)
    is_flown = flown(keys.passes, keys.secret_bits * chance, rules.turn_s)
    return Season(keys, chance, is_flown, start_s, days, rules)


def _of_one(
    satellite: Elements,
    stations: tuple[Station, ...],
    link: PassLink,
    span: tuple[float, float],
    least_elevation_deg: float,
    most_age_s: float,
) -> ManyKeys:
    found = many_passes([satellite], stations, *span, least_elevation_deg, most_age_s)
    keys = many_keys if link.protocol.name == DECOY_BB84 else single_keys
    return keys(found, link, most_age_s)


def _joined(
    satellites: tuple[Elements, ...], stations: tuple[Station, ...], least_deg: float, parts: Sequence[ManyKeys]
) -> ManyKeys:
    """The passes of all satellites, by rise."""
    number = np.repeat(np.arange(len(parts)), [len(part.passes) for part in parts])
    rise = np.concatenate([np.zeros(0), *(part.passes.rise_s for part in parts)])
    order = np.argsort(rise, kind="stable")

    def column(of: Callable[[ManyKeys], NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([of(part) for part in parts])[order]

    arrays = [each.name for each in fields(ManyPasses)[4:]]
    columns = {name: column(lambda part, name=name: getattr(part.passes, name)) for name in arrays}  # type: ignore[misc]
    passes = ManyPasses(satellites, stations, least_deg, satellite=number[order], **columns)
    return ManyKeys(
        passes,
        column(lambda part: part.sifted_bits),
        column(lambda part: part.qber),
        column(lambda part: part.secret_bits),
    )
