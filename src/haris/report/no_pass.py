"""Why there is no pass: which satellites never rise over which stations."""

from __future__ import annotations

from collections.abc import Sequence

from haris.nouns.times import NS_PER_S, write_time
from haris.quantum.orbit.highest import highest_elevation_deg
from haris.quantum.space.pass_key import PassKey
from haris.quantum.space.scenario import Scenario

MARGIN_DEG = 1.0
"""What an orbit's highest elevation is sure to."""
MOST_NAMED = 8


def never_seen(scenario: Scenario) -> tuple[str, ...]:
    """A sentence for each satellite and station where that one's orbit never rises above the search's least elevation.

    At most MOST_NAMED of them, and how many more there are.
    """
    least_deg = scenario.search.least_elevation_deg
    found = [
        f"{satellite.name} never rises above {least_deg:g} degrees over {station.name}, at latitude "
        f"{station.latitude_deg:g}: its orbit is inclined by {satellite.inclination_deg:.1f} degrees"
        for satellite in scenario.elements
        for station in scenario.stations
        if highest_elevation_deg(satellite, station) + MARGIN_DEG < least_deg
    ]
    more = len(found) - MOST_NAMED
    return (*found[:MOST_NAMED], *([f"and {more} more never do"] if more > 0 else []))


def no_pass(scenario: Scenario, now_s: float) -> str:
    """What was searched in vain, and who never rises, a line each; now_s: where a search without a start starts."""
    return _in_vain(scenario, scenario.search.start or write_time(round(now_s) * NS_PER_S))


def next_light(scenario: Scenario, coming: Sequence[PassKey], sky_s: float) -> str:
    """When a light of passes shines next; or why it does not, in the days of the search from sky_s on."""
    if not coming:
        return _in_vain(scenario, write_time(round(sky_s) * NS_PER_S))
    shining = next((each for each in coming if each.secret_bits > 0), None)
    if shining is None:
        return f"no light: none of {len(coming)} passes gives key; the first: {coming[0].reason}"
    flown = shining.flown
    rise, end = (write_time(round(t * NS_PER_S))[:19].replace("T", " ") for t in (flown.rise_s, flown.set_s))
    return (
        f"{flown.satellite.name} over {flown.where} shines {rise} to {end} (UTC): {shining.secret_bits:,} secret bits"
    )


def _in_vain(scenario: Scenario, start: str) -> str:
    search = scenario.search
    satellites = scenario.elements[0].name if len(scenario.elements) == 1 else f"{len(scenario.elements)} satellites"
    stations = scenario.stations[0].name if len(scenario.stations) == 1 else f"{len(scenario.stations)} stations"
    if scenario.link.protocol.stations:
        stations = f"{' + '.join(scenario.link.protocol.stations)} at once"
    searched = (
        f"no pass: {satellites} over {stations} above {search.least_elevation_deg:g} degrees in {search.days:g} days "
        f"from {start}"
    )
    return "\n".join([searched, *never_seen(scenario)])
