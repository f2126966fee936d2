"""The rows that come with haris, by id."""

from __future__ import annotations

from pathlib import Path

from haris.nouns.errors import ParameterError
from haris.papers.row import Row, read_rows


def published_rows() -> tuple[Row, ...]:
    """Every row that comes with haris, file by file."""
    return tuple(row for file in sorted(Path(__file__).with_name("rows").glob("*.toml")) for row in read_rows(file))


def published_row(name: str) -> Row:
    """One row that comes with haris. Raises ParameterError if there is none of that id."""
    for row in published_rows():
        if row.id == name:
            return row
    raise ParameterError(f"no row has the id {name!r}")
