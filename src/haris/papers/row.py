"""One published experiment or computed value, as a table of TOML: inputs, numbers to meet, and where it is printed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from haris.nouns.document import Document, read_document
from haris.nouns.errors import ParameterError

STATUSES = ("regression", "golden", "bound", "plausibility", "context")
TABLES = ("experiment", "golden")
FACTS = ("industry", "standard")
"""Tables that may stand beside the rows: they hold no number to compute."""


class RowError(ParameterError):
    """What is wrong in a row, with its file and line."""


class LackingInputError(RowError):
    """A row has not all that its computation needs."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the values of its table. status: how its numbers are to be met, one of STATUSES; [[golden]] is golden."""

    id: str
    status: str
    values: Mapping[str, Any] = field(repr=False)
    place: tuple[str, int] = field(repr=False)
    document: Document = field(repr=False)

    def __getitem__(self, key: str) -> Any:
        """The value of a key; KeyError where there is none."""
        return self.values[key]

    @property
    def tags(self) -> tuple[str, ...]:
        """What a computation may know it by: id, protocol, formula, arXiv number."""
        return (self.id, *(self.values[k] for k in ("protocol", "formula", "arxiv") if k in self.values))

    def error(self, text: str, *key: str) -> RowError:
        """The error `file:line: id: text`, with the line of the key or of the row."""
        return RowError(str(self.document.error(f"{self.id}: {text}", *self.place, *key)))

    def number(
        self, name: str, default: float | None = None, *, least: float = -math.inf, most: float = math.inf
    ) -> float:
        """A finite number between least and most; default where the row has none.

        Raises RowError with the line, LackingInputError where there is neither value nor default.
        """
        value = self.values.get(name, default)
        if value is None:
            raise LackingInputError(str(self.error(f"lacks {name} (a number)")))
        if not is_number(value) or not least <= value <= most:
            limits = f" from {least:g} to {most:g}" if (least, most) != (-math.inf, math.inf) else ""
            raise self.error(f"{name} must be a number{limits}, got {value!r}", name)
        return float(value)

    def probability(self, name: str, default: float | None = None) -> float:
        """A number from 0 to 1."""
        return self.number(name, default, least=0.0, most=1.0)

    def positive(self, name: str, default: float | None = None) -> float:
        """A number above 0: no less than the least normal float."""
        return self.number(name, default, least=2.3e-308)


def is_number(value: object) -> bool:
    """Whether a TOML value is a finite number that a float holds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1.7e308


def read_rows(path: Path | str) -> tuple[Row, ...]:
    """Rows of a file in its order: [[experiment]], then [[golden]].

    Raises ParameterError, with the line, on what is not TOML, an unknown table, a row without a name, one that is
    there twice, an unknown status, and a file without rows.
    """
    document = read_document(path)
    document.only(*TABLES, *FACTS)
    rows: dict[str, Row] = {}
    for kind in TABLES:
        tables = document.values.get(kind, [])
        if not isinstance(tables, list):
            raise document.error(f"write [[{kind}]]: rows are tables in a list", kind)
        for index, values in enumerate(tables):
            row = _row(document, kind, index, values)
            if row.id in rows:
                raise row.error("is there twice", "id")
            rows[row.id] = row
    if not rows:
        raise document.error("no [[experiment]] and no [[golden]] is in it")
    return tuple(rows.values())


def _row(document: Document, kind: str, index: int, values: Any) -> Row:
    if not isinstance(values, dict):
        raise document.error(f"[[{kind}]] {index + 1} must be a table", kind)
    name = values.get("id")
    if not isinstance(name, str) or not name:
        raise document.error(f'[[{kind}]] {index + 1} needs id = "a name", got {name!r}', kind, index, "id")
    status = values.get("status", "golden" if kind == "golden" else None)
    row = Row(name, str(status), values, (kind, index), document)
    if status not in STATUSES:
        raise row.error(f"status must be one of {', '.join(STATUSES)}, got {status!r}", "status")
    for key in ("protocol", "formula", "arxiv", "citation", "note", "tol_reason"):
        if not isinstance(values.get(key, ""), str):
            raise row.error(f"{key} must be a string, got {values[key]!r}", key)
    return row
