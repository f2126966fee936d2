"""Windows between satellites as a page: a table of all, the world below them, and the best of them one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from haris.nouns.times import NS_PER_S, write_time
from haris.quantum.space.crosslink import CrosslinkKey, sifted_per_s
from haris.quantum.space.pass_link import PassLink
from haris.report.axes import one_axes
from haris.report.document import Cell, Document, Mark, Part, Picture, Section, Table
from haris.report.pass_figures import loss_and_rate
from haris.report.world_map import MOST_TRACKS, map_of_windows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
MOST_SHOWN = 12
MOST_ROWS = 400
MOST_POINTS = 300
"""Of a curve."""
COLUMNS = ("sender", "receiver", "start (UTC)", "stop", "nearest", "loss", "sifted", "QBER", "secret bits")


def crosslink_page(keys: Sequence[CrosslinkKey], link: PassLink) -> Document:
    """The page of windows in order."""
    bits = sum(each.secret_bits for each in keys)
    names = sorted({name for each in keys for name in (each.window.sender.name, each.window.receiver.name)})
    sections = [Section("Windows", _windows(keys, link))]
    if keys:
        caption = (
            f"Below the satellites while they see each other, the first {min(len(keys), MOST_TRACKS)} windows: the "
            "sender blue, the receiver red, a dot where a window begins."
        )
        sections.append(Section("On the map", (Picture(map_of_windows([each.window for each in keys]), caption),)))
    best = sorted((each for each in keys if each.secret_bits > 0), key=lambda each: -each.secret_bits)[:MOST_SHOWN]
    sections += [_window(each, link) for each in sorted(best, key=lambda each: each.window.start_s)]
    subtitle = f"{len(keys)} windows, {bits:,} secret bits"
    return Document(f"Between satellites: {', '.join(names) or 'no window'}", subtitle, tuple(sections))


def _windows(keys: Sequence[CrosslinkKey], link: PassLink) -> tuple[Part, ...]:
    if not keys:
        return ("These satellites do not see each other in this time.",)
    rows = tuple(_row(each) for each in keys[:MOST_ROWS])
    parts: list[Part] = [
        f"One block a window: {link.security.bound}, {link.certainty}. Loss: the least of a window.",
        Table(COLUMNS, rows, (10, 10, 19, 9, 9, 8, 13, 8, 13), numbers=(4, 5, 6, 7, 8), small=len(rows) > 12),
    ]
    if len(keys) > MOST_ROWS:
        parts.append(f"{len(keys) - MOST_ROWS} later windows are left out of this table, not of the sums.")
    return tuple(parts)


def _row(each: CrosslinkKey) -> tuple[Cell, ...]:
    start, stop = (write_time(round(t * NS_PER_S)) for t in (each.window.start_s, each.window.stop_s))
    return (
        each.window.sender.name,
        each.window.receiver.name,
        start[:19].replace("T", " "),
        stop[11:19],
        f"{each.window.min_range_m / 1e3:.0f} km",
        f"{-10.0 * np.log10(max(float(each.transmittance.max()), 1e-30)):.1f} dB",
        f"{each.sifted_bits:,.0f}",
        f"{each.qber:.2%}",
        f"{each.secret_bits:,}" if each.secret_bits else Mark("none", good=False),
    )


def _window(each: CrosslinkKey, link: PassLink) -> Section:
    start = write_time(round(each.window.start_s * NS_PER_S))[:16].replace("T", " ")
    shut = 1.0 - float(each.is_open.mean())
    caption = (
        f"{each.window.sender.name} to {each.window.receiver.name}, never less than "
        f"{each.seen.grazing_m.min() / 1e3:,.0f} km above the ground: {each.sifted_bits:,.0f} sifted bits, QBER "
        f"{each.qber:.2%}, {each.secret_bits:,} secret bits."
    )
    if shut > 0.0:
        caption += f" In {shut:.0%} of the window (grey) the receiver does not look, for the Sun is too near."
    return Section(start, (Picture(window_figure(each, link), caption),))


def window_figure(each: CrosslinkKey, link: PassLink) -> Figure:
    """Loss up to the detectors and sifted bits a second, of MOST_POINTS slots; grey where the receiver is shut."""
    figure, axes = one_axes(3.0)
    used = slice(None, None, -(-each.unix_s.size // MOST_POINTS))
    transmittance, is_open = each.transmittance[used], each.is_open[used]
    rates = np.where(is_open, sifted_per_s(link, transmittance), 0.0)
    loss_and_rate(axes, each.unix_s[used], each.window.nearest_s, transmittance, rates)
    minutes = (each.unix_s[used] - each.window.nearest_s) / 60.0
    axes.fill_between(minutes, 0, 1, where=~is_open, color="#e3e8f2", transform=axes.get_xaxis_transform())
    return figure
