"""A map of the world, with no need of a network: ground tracks, stations, and from where they see a satellite.

land.json holds the outlines of all land, tenths of a degree, longitude and latitude in turn, a row an outline: Natural
Earth's 1:110 million land (public domain, naturalearthdata.com), with points left out that move a shore by less than a
quarter of a degree.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from haris.quantum.orbit.elements import Elements
from haris.quantum.orbit.mutual_sight import Window
from haris.quantum.orbit.passes import Pass
from haris.quantum.orbit.propagation import states
from haris.quantum.orbit.shared_passes import SharedPass
from haris.quantum.orbit.station import WGS84_RADIUS_M
from haris.report.axes import DATA, GREY, MODEL, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
LAND, SEA = "#dfe5e1", "#f4f7f9"
STEP_S = 20.0
MOST_TRACKS = 40


@cache
def outlines() -> tuple[Floats, ...]:
    """Of all land: longitude and latitude in degrees, shape (n, 2) each.

    Longitudes go on beyond 180 where land does; such an outline is there once more, a turn to the other side.
    """
    rows = json.loads((Path(__file__).with_name("land.json")).read_text(encoding="ascii"))
    found = []
    for row in rows:
        outline = np.array(row, dtype=np.float64).reshape(-1, 2) / 10.0
        outline[:, 0] = np.unwrap(outline[:, 0], period=360.0)
        found.append(outline)
        farthest = outline[np.abs(outline[:, 0]).argmax(), 0]
        if abs(farthest) > 180.0:
            found.append(outline - [np.sign(farthest) * 360.0, 0.0])
    return tuple(found)


def ground_track(satellite: Elements, times: Floats) -> tuple[Floats, Floats]:
    """Longitude and latitude below a satellite in degrees, shape (t,): geocentric, up to 0.2 from geodetic."""
    x, y, z = states([satellite], times, np.inf).position_m[0].T
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def circle_of_sight(flown: Pass) -> tuple[Floats, Floats]:
    """Below where the satellite stands at the least elevation, at its culmination's height: degrees."""
    place = flown.satellite
    at = states([place], np.array([flown.culmination_s]), np.inf).position_m[0, 0]
    share = WGS84_RADIUS_M / float(np.linalg.norm(at))
    least = np.radians(flown.least_elevation_deg)
    angle = np.arccos(share * np.cos(least)) - least
    azimuth = np.linspace(0.0, 2.0 * np.pi, 181)
    north = np.radians(flown.station.latitude_deg)
    latitude = np.arcsin(np.sin(north) * np.cos(angle) + np.cos(north) * np.sin(angle) * np.cos(azimuth))
    east = np.arctan2(np.sin(azimuth) * np.sin(angle) * np.cos(north), np.cos(angle) - np.sin(north) * np.sin(latitude))
    return (flown.station.longitude_deg + np.degrees(east) + 180.0) % 360.0 - 180.0, np.degrees(latitude)


def world_map(passes: Sequence[Pass]) -> Figure:
    """Tracks of the first MOST_TRACKS passes: bold while a station sees them, thin a third of a turn around."""
    from matplotlib.patheffects import withStroke

    figure, axes = _world()
    for each in passes[:MOST_TRACKS]:
        around_s = each.satellite.period_s / 6.0
        wide = np.arange(each.rise_s - around_s, each.set_s + around_s, STEP_S)
        _line(axes, *ground_track(each.satellite, wide), color=GREY, linewidth=0.7)
        seen = np.linspace(each.rise_s, each.set_s, max(int(each.duration_s / STEP_S), 2))
        _line(axes, *ground_track(each.satellite, seen), color=DATA, linewidth=2.0)
    over = [one for each in passes for one in ([each, each.over_other] if isinstance(each, SharedPass) else [each])]
    stations = {each.station.name: each for each in over}
    for name, each in stations.items():
        _line(axes, *circle_of_sight(each), color=MODEL, linewidth=0.9, linestyle="--")
        longitude = (each.station.longitude_deg + 180.0) % 360.0 - 180.0
        axes.plot(longitude, each.station.latitude_deg, "o", color=MODEL, markersize=4.5)
        axes.annotate(
            literal(name),
            (longitude, each.station.latitude_deg),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=8,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            zorder=5,
        )
    return figure


def map_of_windows(windows: Sequence[Window]) -> Figure:
    """Tracks of two satellites while they see each other, of the first MOST_TRACKS windows; a dot where each begins."""
    figure, axes = _world()
    for each in windows[:MOST_TRACKS]:
        times = np.linspace(each.start_s, each.stop_s, max(int(each.duration_s / STEP_S), 2))
        for satellite, color in ((each.sender, DATA), (each.receiver, MODEL)):
            longitude, latitude = ground_track(satellite, times)
            _line(axes, longitude, latitude, color=color, linewidth=1.6)
            axes.plot(longitude[0], latitude[0], "o", color=color, markersize=3.5)
    return figure


def _world() -> tuple[Figure, Axes]:
    """Axes of the whole world with its land."""
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.9), layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor(SEA)
    axes.add_collection(PolyCollection(list(outlines()), facecolors=LAND, edgecolors="#b9c3bd", linewidths=0.4))
    axes.set(xlim=(-180, 180), ylim=(-90, 90), aspect="equal")
    axes.set_xticks(range(-180, 181, 60))
    axes.set_yticks(range(-90, 91, 30))
    axes.grid(True, alpha=0.3, linewidth=0.5)
    axes.tick_params(labelsize=8, length=0)
    axes.spines[:].set_visible(False)
    return figure, axes


def _line(axes: Axes, longitude: Floats, latitude: Floats, **style: object) -> None:
    """A line that is cut where it leaves the map on one side and enters on the other."""
    cuts = np.flatnonzero(np.abs(np.diff(longitude)) > 180.0) + 1
    for part in np.split(np.arange(len(longitude)), cuts):
        axes.plot(longitude[part], latitude[part], **style)  # type: ignore[arg-type]
