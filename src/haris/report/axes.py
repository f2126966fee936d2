"""How all figures look: their colours, their axes, their legends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DATA, MODEL, LIMIT, GREY = "#1f6f8b", "#c8553d", "#97200d", "#9aa7b2"


def one_axes(height: float) -> tuple[Figure, Axes]:
    """A figure as wide as a page, height in inches, with one pair of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, height), layout="constrained")
    axes = figure.add_subplot()
    plain(axes)
    return figure, axes


def legend(axes: Axes) -> None:
    """Above the axes, where no data are."""
    axes.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.0)


def literal(name: str) -> str:
    """A name as a figure shows it: between two dollar signs it would be read as a formula, and refused as a bad one."""
    return name.replace("$", r"\$")


def plain(axes: Axes) -> None:
    """A light grid, and no frame above and to the right."""
    axes.grid(True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
