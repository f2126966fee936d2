"""What one pass looks like: its way over the sky, and loss and key against time; and the key of many, by month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from haris.quantum.space.pass_key import PassKey, Slots, counts_over
from haris.quantum.space.pass_link import PassLink
from haris.report.axes import DATA, GREY, MODEL, one_axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.projections.polar import PolarAxes

Floats = NDArray[np.float64]
NIGHT, DUSK, DAY = "#e3e8f2", "#f1ecdf", "#fdf8e4"
"""The sky by the Sun's elevation: below -18 degrees, below 0, above."""
OTHER = "#2a9d7c"
"""Of the other one of two stations."""


def pass_figure(each: PassKey, link: PassLink) -> Figure:
    """The way over the sky, and beside it loss up to the detectors and sifted bits a second."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.3), layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=(1.0, 1.35))
    _sky_track(cast("PolarAxes", figure.add_subplot(grid[0], projection="polar")), each)
    slots, beside = each.slots, figure.add_subplot(grid[1])
    loss_and_rate(beside, slots.unix_s, each.flown.culmination_s, slots.whole, sifted_per_s(each, link))
    return figure


def _sky_track(axes: PolarAxes, each: PassKey) -> None:
    """The zenith in the middle, north above, east to the right; of two stations, the other's way in OTHER."""
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_facecolor(_sky(float(each.slots.sun_elevation_deg.max(initial=-90.0))))
    _track(axes, each, each.slots, DATA)
    if each.slots.other is not None:
        _track(axes, each, each.slots.other, OTHER)
    axes.set_ylim(0.0, 90.0)
    axes.set_yticks([30.0, 60.0, 90.0], ["60°", "30°", ""], fontsize=7, color="#5d6b78")
    axes.set_xticks(np.radians([0, 90, 180, 270]), ["N", "E", "S", "W"], fontsize=8)
    axes.grid(True, alpha=0.35)
    axes.spines["polar"].set_color(GREY)


def _track(axes: PolarAxes, each: PassKey, slots: Slots, colour: str) -> None:
    azimuth, zenith = np.radians(slots.sight.azimuth_deg), 90.0 - slots.sight.elevation_deg
    axes.plot(azimuth, zenith, color=colour, linewidth=2.2)
    for minute in np.arange(np.ceil(each.flown.rise_s / 60.0), np.floor(each.flown.set_s / 60.0) + 1) * 60.0:
        i = int(np.argmin(np.abs(slots.unix_s - minute)))
        axes.plot(azimuth[i], zenith[i], "o", color=colour, markersize=3.5)
        axes.annotate(_clock(minute), (azimuth[i], zenith[i]), xytext=(5, -2), textcoords="offset points", fontsize=7)
    axes.plot(azimuth[-1], zenith[-1], "s", color=MODEL, markersize=5)


def sifted_per_s(each: PassKey, link: PassLink) -> Floats:
    """Expected sifted bits a second in each slot, shape (t,), as PassKey counts them."""
    slots = each.slots
    counts = (counts_over(slots.part(slice(i, i + 1)), link) for i in range(slots.unix_s.size))
    return np.array([float(one.sifted_bits) / slots.duration_s for one in counts], dtype=np.float64)


def loss_and_rate(axes: Axes, unix_s: Floats, middle_s: float, transmittance: Floats, sifted_bps: Floats) -> None:
    """Loss, growing downwards, and sifted bits a second, against minutes from middle_s; arrays (t,)."""
    plain(axes)
    minutes = (unix_s - middle_s) / 60.0
    axes.plot(minutes, -10.0 * np.log10(np.maximum(transmittance, 1e-30)), color=GREY, linewidth=1.4)
    axes.set_xlabel(f"minutes from {datetime.fromtimestamp(middle_s, UTC):%H:%M:%S} UTC", fontsize=8)
    axes.set_ylabel("loss (dB)", color="#5d6b78", fontsize=8)
    axes.invert_yaxis()
    right = axes.twinx()
    unit, name = (1e3, "kbit/s") if sifted_bps.max(initial=0.0) >= 1e3 else (1.0, "bit/s")
    right.plot(minutes, sifted_bps / unit, color=DATA, linewidth=2.0)
    right.set_ylabel(f"sifted ({name})", color=DATA, fontsize=8)
    right.set_ylim(bottom=0.0)
    right.spines[["top", "left"]].set_visible(False)
    for one in (axes, right):
        one.tick_params(labelsize=7.5)


def key_by_month(keys: Sequence[PassKey]) -> tuple[tuple[str, int], ...]:
    """Secret bits of the passes of each month in which there is one, as `2026-03`, in order."""
    months: Counter[str] = Counter()
    for each in keys:
        months[f"{datetime.fromtimestamp(each.flown.culmination_s, UTC):%Y-%m}"] += each.secret_bits
    return tuple(sorted(months.items()))


def month_figure(months: Sequence[tuple[str, int]]) -> Figure:
    """A bar a month, in Mbit."""
    figure, axes = one_axes(2.8)
    axes.bar([month for month, _ in months], [bits / 1e6 for _, bits in months], color=DATA, width=0.7)
    axes.set(ylabel="secret key (Mbit)")
    axes.tick_params(axis="x", labelsize=8)
    return figure


def _sky(sun_deg: float) -> str:
    return NIGHT if sun_deg < -18.0 else DUSK if sun_deg < 0.0 else DAY


def _clock(unix_s: float) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%H:%M}"
