"""PASS.toml: satellites, stations, and the link between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from haris.nouns.checks import require_not_negative, require_positive, require_within
from haris.nouns.document import Document, read_document
from haris.nouns.errors import ParameterError
from haris.nouns.times import NS_PER_S, read_time
from haris.quantum.orbit.element_sets import chosen, read_elements
from haris.quantum.orbit.elements import DAY_S, Elements
from haris.quantum.orbit.mutual_sight import windows
from haris.quantum.orbit.passes import Pass, passes
from haris.quantum.orbit.shared_passes import shared_passes
from haris.quantum.orbit.station import Station
from haris.quantum.security.key_length import Security
from haris.quantum.space.channel import SpaceChannel
from haris.quantum.space.classical import ClassicalLink
from haris.quantum.space.crosslink import CrosslinkKey, crosslink_key
from haris.quantum.space.motion import Motion, SkyClock
from haris.quantum.space.pass_blocks import in_blocks
from haris.quantum.space.pass_key import PassKey, pass_key
from haris.quantum.space.pass_link import FLYING, PassLink, PassProtocol
from haris.quantum.space.season import Apply, Handover, Season, season
from haris.quantum.space.weather import Weather

TABLES = (
    "satellite",
    "station",
    "search",
    "motion",
    "source",
    "channel",
    "detector",
    "protocol",
    "security",
    "classical",
    "weather",
    "handover",
)
LEAST_DAYS, MOST_DAYS = 1.0 / DAY_S, 36525.0
"""Of a search: a second to a century."""


@dataclass(frozen=True, slots=True)
class Satellites:
    """Whose passes are asked for.

    elements: file of element sets (two-line sets, or messages in JSON, XML or keywords). lines: the same in place of
    a file. names: those of them that are meant, by name or catalogue number; all if left out.
    most_age_days: how far the elements may be from the time asked for.
    Raises ParameterError unless there is either a file or lines.
    """

    elements: Path | None = None
    lines: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    most_age_days: float = 14.0

    def __post_init__(self) -> None:
        require_positive("most_age_days", self.most_age_days)
        if (self.elements is None) == (not self.lines):
            raise ParameterError("elements must name a file, or lines hold the element sets: one of the two")

    def read(self) -> tuple[Elements, ...]:
        """The elements. Raises ParameterError, with the file and line, on what is wrong in them."""
        where = "lines" if self.elements is None else str(self.elements)
        try:
            text = "\n".join(self.lines) if self.elements is None else self.elements.read_text(encoding="utf-8-sig")
            found = read_elements(text)
            meant = tuple(chosen(found, name) for name in self.names) or found
            numbers = [each.catalogue_number or each.name for each in meant]
            for each, number in zip(meant, numbers, strict=True):
                if numbers.count(number) > 1:
                    raise ParameterError(f"{each.name} ({number}) is there {numbers.count(number)} times")
            return meant
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise ParameterError(f"{where}: cannot be read: {reason}") from None
        except ParameterError as error:
            raise ParameterError(f"{where}: {error}") from None


@dataclass(frozen=True, slots=True)
class Search:
    """Which passes.

    start: RFC 3339; left out, the search starts now. days: how long. least_elevation_deg: where a pass begins.
    least_grazing_m: of a crosslink, how high above the ground its light must stay, clear of the air. most_range_m: how
    far it tries to reach; any distance if left out.
    Raises ParameterError on a value outside its range.
    """

    start: str | None = None
    days: float = 1.0
    least_elevation_deg: float = 10.0
    least_grazing_m: float = 100e3
    most_range_m: float | None = None

    def __post_init__(self) -> None:
        require_within("days", self.days, LEAST_DAYS, MOST_DAYS)
        if not 0.0 <= self.least_elevation_deg < 90.0:
            raise ParameterError(f"least_elevation_deg must lie in [0, 90), got {self.least_elevation_deg}")
        require_not_negative("least_grazing_m", self.least_grazing_m)
        if self.most_range_m is not None:
            require_positive("most_range_m", self.most_range_m)
        if self.start is not None:
            read_time("start", self.start)


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that a PASS.toml says."""

    satellites: Satellites
    elements: tuple[Elements, ...]
    stations: tuple[Station, ...]
    search: Search
    link: PassLink
    motion: Motion | None = None
    classical: ClassicalLink = field(default_factory=ClassicalLink)
    weather: tuple[Weather, ...] = ()
    handover: Handover = field(default_factory=Handover)

    @classmethod
    def read(cls, path: Path | str) -> Scenario:
        """The scenario of a PASS.toml. Raises ParameterError, with the line, on whatever is wrong in it."""
        return scenario_of(read_document(path))

    def keys(self, now_s: float) -> tuple[PassKey, ...]:
        """Every pass of the search with its expected key, by rise; now_s: where a search without a start starts.

        Of light for two stations, every time in which both see a satellite.
        """
        start_s, stop_s, age_s = self._span(now_s)
        least_deg = self.search.least_elevation_deg
        found: list[Pass] = []
        if self.link.protocol.stations:
            named = {each.name: each for each in self.stations}
            first, second = (named[name] for name in self.link.protocol.stations)
            found += shared_passes(self.elements, (first, second), start_s, stop_s, least_deg, age_s)
        else:
            for station in self.stations:
                found += passes(self.elements, station, start_s, stop_s, least_deg, age_s)
        keys = [pass_key(flown, self.link, age_s) for flown in sorted(found, key=lambda each: each.rise_s)]
        return in_blocks(keys, self.link)

    def season(self, now_s: float, satellites: Sequence[Elements] | None = None, apply: Apply = map) -> Season:
        """The key of the search with weather and conflicts. satellites: in place of the scenario's, of any age."""
        start_s, stop_s, age_s = self._span(now_s)
        return season(
            self.elements if satellites is None else satellites,
            self.stations,
            self.link,
            start_s,
            (stop_s - start_s) / DAY_S,
            self.search.least_elevation_deg,
            age_s if satellites is None else np.inf,
            self.weather,
            self.handover,
            apply,
        )

    @property
    def is_crosslink(self) -> bool:
        """Whether light goes from satellite to satellite."""
        return self.link.channel.direction == "crosslink"

    def crosslinks(self, now_s: float) -> tuple[CrosslinkKey, ...]:
        """Every window in which the first satellite sees another one, with its expected key, by start."""
        start_s, stop_s, age_s = self._span(now_s)
        least_m, most_m = self.search.least_grazing_m, self.search.most_range_m or np.inf
        sender, *receivers = self.elements
        found = [
            window
            for receiver in receivers
            for window in windows(sender, receiver, start_s, stop_s, least_m, most_m, age_s)
        ]
        return tuple(crosslink_key(each, self.link, age_s) for each in sorted(found, key=lambda each: each.start_s))

    def _span(self, now_s: float) -> tuple[float, float, float]:
        """Start and end of the search, and the most age of elements."""
        start_s = now_s if self.search.start is None else read_time("start", self.search.start) / NS_PER_S
        return start_s, start_s + self.search.days * DAY_S, self.satellites.most_age_days * DAY_S


def scenario_of(document: Document) -> Scenario:
    """The scenario that a document describes."""
    document.only(*TABLES)
    satellites = document.table("satellite", Satellites)
    try:
        elements = satellites.read()
    except ParameterError as error:
        raise document.error(str(error), "satellite") from None
    stations = document.tables("station", Station)
    protocol = document.table("protocol", PassProtocol)
    family = FLYING[protocol.name]
    source = document.table("source", family.source)
    channel = document.table("channel", SpaceChannel)
    if channel.direction == "crosslink" and (stations or len(elements) < 2):
        raise document.error("a crosslink needs two satellites or more, and no [[station]]", "channel", "direction")
    if channel.direction != "crosslink" and not stations:
        raise document.error("a pass needs a [[station]]")
    detector: object = document.table("detector", family.detector)
    security = document.table("security", Security) if "security" in document.values else Security()
    if "bound" not in document.values.get("security", {}):
        security = replace(security, bound=next(iter(family.bounds)))
    search = document.table("search", Search) if "search" in document.values else Search()
    motion = document.table("motion", Motion) if "motion" in document.values else None
    classical = document.table("classical", ClassicalLink) if "classical" in document.values else ClassicalLink()
    handover = document.table("handover", Handover) if "handover" in document.values else Handover()
    weather = document.tables("weather", Weather)
    names = [each.name for each in stations]
    for name in names:
        if names.count(name) > 1:
            raise document.error(f"two stations are called {name!r}", "station")
    for name in protocol.stations:
        if names.count(name) != 1:
            raise document.error(f"stations names {name!r}, which is no [[station]]", "protocol", "stations")
    for each in weather:
        if each.station not in names:
            raise document.error(f"there is weather of {each.station!r}, which is no [[station]]", "weather")
    try:
        link = PassLink(source, channel, detector, protocol, security)
    except ParameterError as error:
        raise document.error(str(error), *_named(document, str(error))) from None
    try:
        SkyClock.of(motion, search.start)
    except ParameterError as error:
        raise document.error(str(error), "motion") from None
    return Scenario(satellites, elements, stations, search, link, motion, classical, weather, handover)


def _named(document: Document, text: str) -> tuple[str, ...]:
    """Place of the value that an error begins with; none if no table of a link has it."""
    name = text.partition(" ")[0]
    tables = ("source", "channel", "detector", "protocol", "security")
    return next(((table, name) for table in tables if name in document.values.get(table, {})), ())
