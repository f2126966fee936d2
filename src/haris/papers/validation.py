"""Every number of every row beside ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from haris.papers.claims import Claim, Sense, claims
from haris.papers.computation import Computation, Ours
from haris.papers.computations import COMPUTATIONS
from haris.papers.row import LackingInputError, Row, RowError

NOT_COVERED = "not covered yet"

COMPLETE = ("regression", "golden")
"""Status of rows that have all their inputs: one that has not is wrong; any other that has not is not covered."""


@dataclass(frozen=True, slots=True)
class Result:
    """One published number and ours.

    quantity, key, published: None where the row states no number; key, source as in Claim. ours, ratio, holds: None
    where nothing computes it yet; ratio (to the middle of a range) also where the published number is 0.
    sense, tolerance, reason: as in Claim.
    explanation: what ours assumes and why it is not the published number, or NOT_COVERED.
    """

    id: str
    quantity: str | None
    key: str | None
    source: str
    published: float | tuple[float, float] | None
    ours: float | None
    ratio: float | None
    status: str
    sense: Sense | None
    tolerance: float | None
    reason: str
    holds: bool | None
    explanation: str
    row: Row


def evaluate(rows: Iterable[Row]) -> Iterator[Result]:
    """A result for each number of each row, and for a row without any one that says so.

    Raises RowError, with the line, on a row with which its computation can do nothing.
    """
    for row in rows:
        computation = next((c for c in COMPUTATIONS if c.covers(row)), None)
        stated = tuple(claims(row, computation.side if computation else None))
        for claim in stated:
            yield _result(row, claim, computation)
        if not stated:
            words = "states no number to compute"
            yield Result(row.id, None, None, "", None, None, None, row.status, None, None, "", None, words, row)


def _result(row: Row, claim: Claim, computation: Computation | None) -> Result:
    ours, why = None, NOT_COVERED
    try:
        ours = None if computation is None else _ours(row, claim.quantity, computation)
    except LackingInputError as error:
        if row.status in COMPLETE:
            raise
        why = f"{NOT_COVERED}: {error}"
    if ours is not None and claim.sense is None:
        raise row.error('a bound needs side = "at least" or "at most": where ours must lie', "status")
    value = None if ours is None else ours.value
    middle = sum(claim.value) / 2.0 if isinstance(claim.value, tuple) else claim.value
    return Result(
        id=row.id,
        quantity=claim.quantity,
        key=claim.key,
        source=claim.source,
        published=claim.value,
        ours=value,
        ratio=None if value is None or middle == 0.0 else value / middle,
        status=row.status,
        sense=claim.sense,
        tolerance=claim.tolerance,
        reason=claim.reason,
        holds=None if value is None else claim.holds(value),
        explanation=why if ours is None else _explanation(row, ours),
        row=row,
    )


def _ours(row: Row, quantity: str, computation: Computation) -> Ours | None:
    try:
        ours = computation.of(row, quantity)
    except RowError:
        raise
    except (ValueError, ArithmeticError) as error:
        raise row.error(f"{quantity} cannot be computed: {error}") from None
    if ours is None:
        return None
    ours = ours if isinstance(ours, Ours) else Ours(float(ours))
    if not math.isfinite(ours.value):
        raise row.error(f"{quantity} cannot be computed: it comes to {ours.value}")
    return ours


def _explanation(row: Row, ours: Ours) -> str:
    """What the computation says, and the inputs that are not published."""
    parts = [ours.explanation]
    for prefix, words in (("assumed_", "Assumed, not published or not verified"), ("fitted_", "Fitted to the answer")):
        inputs = [f"{key.removeprefix(prefix)} {row.values[key]}" for key in row.values if key.startswith(prefix)]
        parts += [f"{words}: {', '.join(inputs)}."] * bool(inputs)
    return " ".join(filter(None, parts))
