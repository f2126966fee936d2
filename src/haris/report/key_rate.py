"""Key rate against distance: a table and a plot for the terminal, and a figure for a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.families.family import Rate
from haris.quantum.security.limits import single_repeater
from haris.report.axes import literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg")
MAX_ROWS = 21
MOST_INSIDE = 4
"""Links whose names fit among the curves of a figure; more stand beside it."""


def rate_table(rate: Rate) -> str:
    """One line a distance, MAX_ROWS at most, evenly picked. rate: of a one-dimensional sweep.

    What a protocol does not have, an error rate of bits say, has no column; what was chosen for a rate has one each.
    """
    columns = [
        _Column("distance", 10, [f"{at / 1e3:.1f} km" for at in rate.distance_m]),
        _Column("key rate", 12, [bits_per_s(value) for value in rate.secret_bits_per_s]),
        _Column("per pulse", 10, [f"{value:.3g}" for value in rate.secret_bits_per_pulse]),
    ]
    if np.any(np.isfinite(rate.qber)):
        columns.append(_Column("QBER", 6, [f"{value:.2%}" for value in rate.qber]))
    if any(term.name == "phase_error" for term in rate.key.terms):
        phase = np.broadcast_to(rate.key.value("phase_error"), rate.distance_m.shape)
        columns.append(_Column("phase err.", 10, [f"{value:.2%}" for value in phase]))
    columns.append(_Column("PLOB", 9, [f"{value:.3g}" for value in rate.plob_per_pulse]))
    for name, values in rate.settings.items():
        columns.append(_Column(name, max(len(name), 6), [f"{value:.3f}" for value in values]))
    return _table(columns)


def comparison_table(rates: Mapping[str, Rate]) -> str:
    """The key rates of several links at the same distances, a column each; and which gives most."""
    first = next(iter(rates.values()))
    columns = [_Column("distance", 10, [f"{at / 1e3:.1f} km" for at in first.distance_m])]
    for name, rate in rates.items():
        columns.append(_Column(name, max(len(name), 12), [bits_per_s(value) for value in rate.secret_bits_per_s]))
    per_s = np.array([rate.secret_bits_per_s for rate in rates.values()])
    names = list(rates)
    best = [names[i] if top > 0 else "none" for i, top in zip(per_s.argmax(axis=0), per_s.max(axis=0), strict=True)]
    columns.append(_Column("most", max(map(len, names)), best))
    return _table(columns)


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    width: int
    cells: list[str]


def _table(columns: list[_Column]) -> str:
    lines = ["  ".join(f"{column.title:>{column.width}}" for column in columns)]
    n_rows = len(columns[0].cells)
    for i in np.unique(np.linspace(0, n_rows - 1, MAX_ROWS).round().astype(int)):
        lines.append("  ".join(f"{column.cells[i]:>{column.width}}" for column in columns))
    return "\n".join(lines)


def bits_per_s(value: float) -> str:
    """A rate with its unit: 43.4 kbit/s."""
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {prefix}bit/s"
    return f"{value:.3g} bit/s"


def terminal_plot(rates: Mapping[str, Rate], title: str, width: int = 76, height: int = 18) -> str:
    """Key rates over distance as text, logarithmic; only distances that give key are drawn.

    One link in bits a second. Several in bits a pulse, for their clocks may differ: the first is drawn with the letter
    a, the next with b, below PLOB's capacity of the channel that loses least (dots) and what one repeater gives there.
    """
    import plotext

    several = len(rates) > 1
    curves = {
        chr(ord("a") + i % 26) if several else "braille": (
            rate.distance_m,
            rate.secret_bits_per_pulse if several else rate.secret_bits_per_s,
        )
        for i, rate in enumerate(rates.values())
    }
    if not any(np.any(values > 0.0) for _, values in curves.values()):
        return f"{title}: no key at any of these distances"
    alive = [np.log10(values[values > 0.0]) for _, values in curves.values()]
    low = int(np.floor(min(values.min(initial=np.inf) for values in alive)))
    if several:
        at_m, plob, repeater = limits(rates)
        curves = {":": (at_m, repeater), ".": (at_m, plob), **curves}
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, height)
    high = low + 1
    for marker, (at_m, values) in curves.items():
        shown = values >= 10.0**low
        if np.any(shown):
            exponents = np.log10(values[shown])
            high = max(high, int(np.floor(exponents.max())) + 1)
            signal = figure.signal((at_m[shown] / 1e3).tolist(), exponents.tolist(), marker=marker)
            figure.draw(signal if several else signal.lines())
    ticks = list(range(low, high + 1))
    figure.ruler("y").lim(ticks[0], ticks[-1]).ticks(ticks, [f"1e{t}" for t in ticks])
    at_m = np.concatenate([rate.distance_m for rate in rates.values()])
    figure.ruler("x").lim(float(at_m.min() / 1e3), float(at_m.max() / 1e3))
    figure.title(f"{title}: {'bits a pulse' if several else 'bit/s'} over km")
    return str(plotext.uncolorize(str(figure.build()))).rstrip()


def limits(rates: Mapping[str, Rate]) -> tuple[NDArray[np.float64], ...]:
    """Distances, and there the capacity of the channel that loses least and what one repeater would give.

    Bits a pulse; 0 where they have no bound.
    """
    capacity = np.max([rate.plob_per_pulse for rate in rates.values()], axis=0)
    repeater = single_repeater(-np.expm1(-capacity * np.log(2.0)))
    plob, repeater = (np.where(np.isfinite(each), each, 0.0) for each in (capacity, repeater))
    return next(iter(rates.values())).distance_m, plob, repeater


def rate_figure(rates: Mapping[str, Rate], clock_hz: float, title: str) -> Figure:
    """The same as a figure, with the capacity of the channel above it, and that of one repeater.

    One link is drawn in bits a second; several, whose clocks may differ, in bits a pulse, below the capacity of the
    channel that loses least.
    """
    from matplotlib.figure import Figure

    crowded = len(rates) > MOST_INSIDE
    figure = Figure(figsize=(9.0 if crowded else 6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    scale = clock_hz if len(rates) == 1 else 1.0
    at_m, plob, repeater = limits(rates)
    x_km = at_m / 1e3
    axes.semilogy(x_km, scale * _drawn(plob), "--", color="0.6", label="PLOB capacity")
    if len(rates) > 1:
        axes.semilogy(x_km, _drawn(repeater), ":", color="0.6", label="single repeater")
    for name, rate in rates.items():
        key = scale * _drawn(rate.secret_bits_per_pulse)
        colour = "#1f6f8b" if len(rates) == 1 else None
        marker = "." if x_km.size < 30 else None
        axes.semilogy(x_km, key, color=colour, marker=marker, label="secret key" if len(rates) == 1 else literal(name))
    axes.set(xlabel="distance (km)", ylabel="bit/s" if len(rates) == 1 else "bits a pulse", title=literal(title))
    axes.grid(True, which="major", alpha=0.3)
    if crowded:
        figure.legend(loc="outside right upper")
    else:
        axes.legend()
    return figure


def _drawn(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values for a logarithmic axis, which has no place for 0."""
    return np.where(values > 0.0, values, np.nan)


def require_figure_path(path: Path) -> None:
    """Raise ParameterError unless path ends in .png or .svg."""
    if path.suffix.lower() not in FORMATS:
        raise ParameterError(f"a figure is written as {' or '.join(FORMATS)}, not '{path.suffix or path.name}'")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG or SVG, by the path's ending; the same figure gives the same octets."""
    import matplotlib

    require_figure_path(path)
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
    with matplotlib.rc_context({"svg.hashsalt": "haris"}):
        figure.savefig(path, dpi=150, metadata=metadata)


def explanation(rate: Rate) -> str:
    """Every term of the bound at one distance: value, meaning, source; then what the proof assumes."""
    key = rate.key
    lines = [f"at {float(rate.distance_m) / 1e3:g} km, one block:"]
    for term in key.terms:
        value = float(term.value)
        shown = f"{value:.5g}" if abs(value) < 1e3 else f"{value:,.0f}"
        lines.append(f"  {term.name:<14} {shown:>14} {term.unit:<7} {term.meaning}")
        lines.append(f"  {'':<38} [{term.source}]")
    lines.append(f"  {'key':<14} {int(key.length_bits):>14,} {'bits':<7} rounded down, at least 0")
    proof = key.proof
    lines.append(f"proof: {proof.theorem}; {proof.attacks} attacks; {'finite' if proof.finite else 'asymptotic'}")
    lines.extend(f"  assumes {assumption}" for assumption in proof.assumptions)
    return "\n".join(lines)
