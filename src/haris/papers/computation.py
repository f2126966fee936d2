"""What recomputes a row: a function found by the row's id, protocol, formula or arXiv number."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from haris.papers.claims import Sense
from haris.papers.row import Row

_AT_KM = re.compile(r"(.+)_km(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Ours:
    """Our number. explanation: what it assumes, and why it lies where it does beside the published one."""

    value: float
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Computation:
    """Rows that one function recomputes.

    rows: patterns (* for anything), one of which a tag of the row must match. of: our number of a row's quantity, or
    None where it does not know that quantity. side: where ours lies when the row is a bound and does not say.
    """

    rows: tuple[str, ...]
    of: Callable[[Row, str], Ours | float | None]
    side: Sense | None = None

    def covers(self, row: Row) -> bool:
        """Whether this computation is for that row."""
        return any(fnmatchcase(tag, pattern) for tag in row.tags for pattern in self.rows)


def at_km(quantity: str) -> tuple[str, float | None]:
    """A quantity that ends in _km50 as its name and kilometres; None where it does not."""
    found = _AT_KM.fullmatch(quantity)
    return (found[1], float(found[2])) if found else (quantity, None)
