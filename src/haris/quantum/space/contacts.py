"""The contacts of one satellite and one station: what a span through space is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import DAY_S, Elements
from haris.quantum.orbit.passes import Pass, passes
from haris.quantum.orbit.station import LIGHT_M_PER_S, Station
from haris.quantum.space.classical import ClassicalLink
from haris.quantum.space.closing import closing_s
from haris.quantum.space.motion import SkyClock
from haris.quantum.space.pass_key import PassKey, pass_key
from haris.quantum.space.pass_link import PassLink
from haris.quantum.space.scenario import Scenario

LOOK_BACK_S = 7200.0
"""A pass that lasts now rose before: so far back its rise is sought."""
LONGEST_S = 7200.0
"""A block of light: time tags are whole picoseconds that a float holds."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """Passes of a satellite over a station, and the link between. All times in the sky's.

    least_elevation_deg: where a pass begins. days: how far ahead one looks. most_age_s: how far the elements may be
    from then. clock: of the sky. classical: what carries the words of distillation.
    """

    satellite: Elements
    station: Station
    link: PassLink
    clock: SkyClock
    least_elevation_deg: float
    days: float
    most_age_s: float
    classical: ClassicalLink = field(default_factory=ClassicalLink)

    def coming(self, sky_s: float) -> tuple[Pass, ...]:
        """The pass that lasts at a time, if one does, and those to come, by rise. Raises ParameterError as states."""
        start_s, stop_s = sky_s - LOOK_BACK_S, sky_s + self.days * DAY_S
        found = passes([self.satellite], self.station, start_s, stop_s, self.least_elevation_deg, self.most_age_s)
        return tuple(each for each in found if each.set_s > sky_s)

    def key(self, flown: Pass) -> PassKey:
        """What a pass is expected to give."""
        return pass_key(flown, self.link, self.most_age_s)

    def rest_of(self, flown: Pass, sky_s: float) -> Pass:
        """What is left of a pass at a time within it, and no more than a block may hold."""
        rise_s = max(flown.rise_s, sky_s)
        return replace(flown, rise_s=rise_s, set_s=min(flown.set_s, rise_s + LONGEST_S))

    def closing_s(self, flown: Pass, n_clicks: int) -> float:
        """How long before it sets a block of so many clicks must close, to be key by then."""
        range_m = float(flown.sight_at(np.array([flown.set_s]), np.inf).range_m[0])
        return closing_s(self.link, self.classical, n_clicks, range_m / LIGHT_M_PER_S)


def contacts_of(scenario: Scenario, station: str | None = None) -> Contacts:
    """Those of a PASS.toml with one satellite. station: its name; None where there is only one.

    Raises ParameterError on several satellites, an unknown station, or several and none named.
    """
    search = scenario.search
    return Contacts(
        satellite=_only_satellite(scenario.elements),
        station=_chosen(scenario.stations, station),
        link=scenario.link,
        clock=SkyClock.of(scenario.motion, search.start),
        least_elevation_deg=search.least_elevation_deg,
        days=search.days,
        most_age_s=scenario.satellites.most_age_days * DAY_S,
        classical=scenario.classical,
    )


def _only_satellite(elements: Sequence[Elements]) -> Elements:
    if len(elements) != 1:
        raise ParameterError(
            f"a span leads to one satellite, and there are {len(elements)}: name one in [satellite] names"
        )
    return elements[0]


def _chosen(stations: Sequence[Station], name: str | None) -> Station:
    if name is None and len(stations) == 1:
        return stations[0]
    found = [each for each in stations if each.name == name]
    if len(found) != 1:
        named = ", ".join(each.name for each in stations)
        raise ParameterError(f"station must be one of {named}, got {name!r}")
    return found[0]
