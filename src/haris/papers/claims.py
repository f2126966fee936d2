"""The numbers that a row states, and how near ours must come.

A key states a number if it begins with one of PREFIXES; what follows is the quantity, and all other keys are inputs.
"expected" alone states the row's one value. assumed_ inputs are not published, fitted_ ones were chosen to meet the
answer. tol_rel holds for all numbers of a row; tol_abs for all too, and tol_abs_km for quantities that end in _km.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from haris.papers.row import Row, is_number

PREFIXES = {
    "expected": "computed from the formula by others",
    "published": "printed",
    "text": "printed in the text",
    "digitised": "read off a figure",
    "approx": "about what is printed",
    "independent": "another optimisation",
    "thirdparty": "another code",
}
"""First words of the keys that state a number, and where such a number is from."""

ROUGH = {"independent": 0.02, "thirdparty": 0.05}
"""Relative tolerance for numbers of other codes, of whose settings not all is known."""

FACTOR = 10.0**0.5
"""Numbers that differ by less are of the same order of magnitude."""

Sense = Literal["within", "within a factor", "between", "at least", "at most"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One number of a row. key: the row's key for it; source: where the number is from, of PREFIXES.

    sense, tolerance: ours must lie within so much of value, relatively (absolutely where value is 0); within a factor;
    between two values; or at least, or at most, value (tolerance None); sense None: a bound without a side.
    reason: why this tolerance.
    """

    quantity: str
    key: str
    source: str
    value: float | tuple[float, float]
    sense: Sense | None
    tolerance: float | None
    reason: str

    def holds(self, ours: float) -> bool:
        """Whether our number is near enough, or on the right side."""
        if isinstance(self.value, tuple):
            return self.value[0] <= ours <= self.value[1]
        if self.sense == "at least":
            return ours >= self.value
        if self.sense == "at most":
            return ours <= self.value
        tolerance = self.tolerance or 0.0
        if self.sense == "within a factor":
            return self.value / tolerance <= ours <= self.value * tolerance
        return abs(ours - self.value) <= tolerance * (abs(self.value) or 1.0)


def claims(row: Row, side: Sense | None = None) -> Iterator[Claim]:
    """Every number that the row states, in its order. side: of a bound whose row does not say it.

    Raises RowError, with the line, on what is not a number, or a range, and on a tolerance that is none.
    """
    for key, value in row.values.items():
        prefix, _, quantity = key.partition("_")
        if prefix in PREFIXES and (quantity or prefix == "expected"):
            yield _claim(row, key, prefix, quantity or "value", value, side)


def _claim(row: Row, key: str, prefix: str, quantity: str, value: Any, side: Sense | None) -> Claim:
    said = quantity, key, PREFIXES[prefix]
    if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and value[0] < value[1]:
        return Claim(*said, (float(value[0]), float(value[1])), "between", None, "a range is stated")
    if not is_number(value):
        raise row.error(f"{key} must be a number, or a range [from, to], got {value!r}", key)
    number = float(value)
    if row.status == "bound" and prefix != "expected":
        return Claim(*said, number, _side(row, side), None, "a bound: only its side is stated")
    if prefix in ROUGH:
        return Claim(*said, number, "within", ROUGH[prefix], "its settings are not all known")
    given, written = _given(row, quantity, number), _written(number)
    if given is not None and (prefix not in ("published", "text") or written <= given):
        return Claim(*said, number, "within", given, row.values.get("tol_reason", _usual(row.status, prefix)))
    if given is None and row.status in ("plausibility", "context") and prefix != "expected":
        return Claim(*said, number, "within a factor", FACTOR, "inputs are not complete: its order of magnitude")
    return Claim(*said, number, "within", written, "half a unit of the last digit that is stated")


def _side(row: Row, side: Sense | None) -> Sense | None:
    side = row.values.get("side", side)
    if side not in (None, "at least", "at most"):
        raise row.error(f'side must be "at least" or "at most", got {side!r}', "side")
    return side


def _usual(status: str, prefix: str) -> str:
    if status == "plausibility":
        return f"{PREFIXES[prefix]}, inputs are not complete"
    return "all inputs are stated: only arithmetic differs" if prefix == "expected" else "what is printed is rounded"


def _given(row: Row, quantity: str, value: float) -> float | None:
    """The row's tolerance for a quantity, relative to its value; an absolute one comes first."""
    for key in row.values:
        if key.startswith("tol_abs") and quantity.endswith(key.removeprefix("tol_abs")):
            return row.positive(key) / (abs(value) or 1.0)
    return row.positive("tol_rel") if "tol_rel" in row.values else None


def _written(value: float) -> float:
    """Half a unit of the last written digit, relative to the value; two to six digits are taken for written."""
    digits = Decimal(repr(value)).normalize().as_tuple()
    exponent = int(digits.exponent) - max(0, 2 - len(digits.digits))
    return max(0.5 * 10.0**exponent / (abs(value) or 1.0), 1e-6)
