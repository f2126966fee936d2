"""Key rate against distance: a table and a plot for the terminal, and a figure for a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from haris.nouns.errors import ParameterError
from haris.quantum.families.family import Rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg")
MAX_ROWS = 21


def rate_table(rate: Rate) -> str:
    """One line a distance, MAX_ROWS at most, evenly picked. rate: of a one-dimensional sweep."""
    lines = [f"{'distance':>10}  {'key rate':>12}  {'per pulse':>10}  {'QBER':>6}  {'phase err.':>10}  {'PLOB':>9}"]
    phase = np.broadcast_to(rate.key.value("phase_error"), rate.distance_m.shape)
    for i in np.unique(np.linspace(0, rate.distance_m.size - 1, MAX_ROWS).round().astype(int)):
        lines.append(
            f"{rate.distance_m[i] / 1e3:7.1f} km  {bits_per_s(rate.secret_bits_per_s[i]):>12}  "
            f"{rate.secret_bits_per_pulse[i]:10.3g}  {rate.qber[i]:6.2%}  {phase[i]:10.2%}  "
            f"{rate.plob_per_pulse[i]:9.3g}"
        )
    return "\n".join(lines)


def bits_per_s(value: float) -> str:
    """A rate with its unit: 43.4 kbit/s."""
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {prefix}bit/s"
    return f"{value:.3g} bit/s"


def terminal_plot(rate: Rate, title: str, width: int = 76, height: int = 18) -> str:
    """The key rate over distance as text, logarithmic; only distances that give key are drawn."""
    import plotext

    alive = rate.secret_bits_per_s > 0
    if not np.any(alive):
        return f"{title}: no key at any of these distances"
    x_km, exponent = rate.distance_m[alive] / 1e3, np.log10(rate.secret_bits_per_s[alive])
    ticks = list(range(int(np.floor(exponent.min())), int(np.floor(exponent.max())) + 2))
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, height)
    figure.draw(figure.signal(x_km.tolist(), exponent.tolist(), marker="braille").lines())
    figure.ruler("y").lim(ticks[0], ticks[-1]).ticks(ticks, [f"1e{t}" for t in ticks])
    figure.ruler("x").lim(float(rate.distance_m.min() / 1e3), float(rate.distance_m.max() / 1e3))
    figure.title(f"{title}: bit/s over km")
    return str(plotext.uncolorize(str(figure.build()))).rstrip()


def rate_figure(rate: Rate, clock_hz: float, title: str) -> Figure:
    """The same as a figure, with the capacity of the channel above it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    x_km = rate.distance_m / 1e3
    key = np.where(rate.secret_bits_per_s > 0, rate.secret_bits_per_s, np.nan)
    capacity = np.where(np.isfinite(rate.plob_per_pulse), rate.plob_per_pulse * clock_hz, np.nan)
    axes.semilogy(x_km, capacity, "--", color="0.6", label="PLOB capacity")
    axes.semilogy(x_km, key, color="#1f6f8b", marker="." if x_km.size < 30 else None, label="secret key")
    axes.set(xlabel="distance (km)", ylabel="bit/s", title=title)
    axes.grid(True, which="major", alpha=0.3)
    axes.legend()
    return figure


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
