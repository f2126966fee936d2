"""docs/validation.md: every published number beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, log10
from pathlib import Path

from haris.papers.validation import NOT_COVERED, Result

MADE = "<!-- Made by `haris papers`: compute again, do not edit. -->"

WORDS = """Published numbers, and what haris computes for them. `haris papers` computes them all anew, from the rows in
`src/haris/papers/rows/`; `haris papers --file ROWS.toml` does so for rows of yours. A *regression* or *golden* row has
all its inputs: ours must lie within the tolerance. A *bound* must fall on the stated side. For a *plausibility* row
inputs are missing: what is assumed stands below its table, with what keeps ours from the published number. A *context*
row holds parameters."""

CHAPTERS = {
    "bb84": "Decoy BB84",
    "cv": "Continuous variables",
    "entanglement": "Pairs of photons",
    "limits": "Thresholds and limits",
    "mdi": "Measurement-device-independent protocols",
    "phase": "Distributed phases",
    "random_numbers": "Random numbers",
    "satellite": "From space to the ground",
    "twin_field": "Twin-field protocols",
}
"""Titles by the file of rows."""

INTRODUCTIONS = {
    "satellite": (
        "The pass of Micius over Xinglong is `haris pass examples/space/micius_xinglong_2016.toml`: its "
        "geometry follows from public elements alone; sifted bits, error rate and key rest on what that file "
        "calls assumed, the visibility of the night, the Moon and the light of the sky, and the diffraction "
        "that is fitted to a printed loss. A microsatellite of the kind of Jinan-1, whose orbit and station "
        "are assumed, is held by a test to 0.3 to 1.5 Mbit a pass, where 0.59 and 1.07 were published "
        "(`examples/space/jinan1_like.toml`)."
    )
}

_SENSES = {"at least": "ours at least", "at most": "ours at most", "between": "in the range"}
_RESULT = ("row", "quantity", "status", "published", "ours", "ratio", "tolerance", "holds")
_HEAD = (*_RESULT, "published is", "why this tolerance")


def page(results: Sequence[Result]) -> str:
    """The page: what is covered, with notes, a chapter for each file of rows; and what is not covered yet."""
    covered = [result for result in results if result.holds is not None]
    kept = sum(result.holds is True for result in covered)
    rest = [result for result in results if result.holds is None and result.quantity is not None]
    silent = [result.id for result in results if result.quantity is None]
    parts = ["# Validation", MADE, " ".join(WORDS.split())]
    parts.append(f"{kept} of {len(covered)} numbers that are computed hold; {len(rest)} are {NOT_COVERED}.")
    for name in dict.fromkeys(map(_file, covered)):
        parts += _chapter(name, [result for result in covered if _file(result) == name])
    if rest:
        head = ("row", "quantity", "status", "published", "protocol")
        parts += [f"## {NOT_COVERED.capitalize()}", _table([head, *map(_waiting, rest)])]
    if silent:
        parts.append(f"Rows that state no number to compute: {', '.join(f'`{name}`' for name in silent)}.")
    return "\n\n".join(parts) + "\n"


def _file(result: Result) -> str:
    return Path(result.row.document.name).stem


def _chapter(name: str, covered: Sequence[Result]) -> list[str]:
    """The rows of one file."""
    title, words = CHAPTERS.get(name, "Computed"), INTRODUCTIONS.get(name, "")
    table = _table([_HEAD, *map(_cells, covered)])
    return [f"## {title}", *([words] if words else []), table, f"### {title}: what the rows are", _notes(covered)]


def plain_table(results: Sequence[Result]) -> str:
    """Covered rows for a terminal, and one line for all that is not."""
    covered = [result for result in results if result.holds is not None]
    cells = [_RESULT, *(_cells(result)[: len(_RESULT)] for result in covered)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells]
    waiting = dict.fromkeys(result.id for result in results if result.holds is None)
    lines += [f"\n{NOT_COVERED}: {', '.join(waiting)}"] * bool(waiting)
    return "\n".join(lines)


def _cells(result: Result) -> tuple[str, ...]:
    places = _places(result)
    return (
        result.id,
        str(result.quantity),
        result.status,
        _number(result.published),
        f"{result.ours:.{places + 1}g}",
        "" if result.ratio is None else f"{result.ratio:.{places}f}",
        _tolerance(result),
        "yes" if result.holds else "**no**",
        result.source,
        result.reason,
    )


def _places(result: Result) -> int:
    """Decimals of the ratio that the tolerance can tell apart, at least 3."""
    if result.sense != "within" or not result.tolerance:
        return 3
    return max(3, 1 - ceil(log10(result.tolerance) - 1e-9))


def _tolerance(result: Result) -> str:
    if result.sense == "within":
        return f"{result.tolerance:.2g}"
    if result.sense == "within a factor":
        return f"a factor of {result.tolerance:.2g}"
    return _SENSES[str(result.sense)]


def _number(value: float | tuple[float, float] | None) -> str:
    if isinstance(value, tuple):
        return f"{value[0]:.10g} to {value[1]:.10g}"
    return f"{value:.10g}"


def _waiting(result: Result) -> tuple[str, ...]:
    protocol = str(result.row.values.get("protocol", result.row.values.get("formula", "")))
    return result.id, str(result.quantity), result.status, _number(result.published), protocol


def _notes(results: Iterable[Result]) -> str:
    """For each row its source, what is assumed, and its note."""
    rows = {result.id: result.row for result in results}
    told: dict[str, dict[str, None]] = {name: {} for name in rows}
    for result in results:
        told[result.id][result.explanation] = None
    lines = []
    for name, row in rows.items():
        source = row.values.get("citation") or f"formula {row.values.get('formula', '')}".strip()
        words = [f"{source}.", *told[name], row.values.get("note", "")]
        lines.append(f"- `{name}`: {' '.join(filter(None, words))}")
    return "\n".join(lines)


def _table(lines: Sequence[tuple[str, ...]]) -> str:
    ruled = [lines[0], tuple("---" for _ in lines[0]), *lines[1:]]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in ruled)
