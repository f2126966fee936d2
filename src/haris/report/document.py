"""A document as plain data: what is written once and rendered as a web page and for print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that says how something stands. good: None where it is neither."""

    text: str
    good: bool | None = None


Cell = str | Mark


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header. widths: of the columns, in proportion. numbers: columns set to the right.

    small: of many rows, set closely.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...]
    numbers: tuple[int, ...] = ()
    small: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with what it shows."""

    figure: Figure
    caption: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """Short statements, each on its own."""

    items: tuple[str, ...]


Part = str | Table | Picture | Bullets
"""A plain string is a paragraph."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A title, a line below it, and sections."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
