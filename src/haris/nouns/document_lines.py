"""Where each table and key of a TOML text stands: tomllib tells values, not lines."""

from __future__ import annotations

import re

Place = tuple[str | int, ...]

_STRING_OR_COMMENT = re.compile(
    r'"""(?:\\.|[^\\])*?"""' r"|'''.*?'''" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'" r"|#[^\n]*", re.DOTALL
)
_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def find_lines(text: str) -> dict[Place, int]:
    """Line, from 1, of every table and key of a valid TOML text.

    A place is the path to a value: ("channel", "length_m"), or ("span", 1, "peer") in the second [[span]].
    What stands inside an inline table or array has no line of its own.
    """
    lines: dict[Place, int] = {(): 1}
    lengths: dict[Place, int] = {}
    table: Place = ()
    depth = 0
    for number, line in enumerate(_STRING_OR_COMMENT.sub(_mask, text).split("\n"), start=1):
        if depth == 0 and (header := _HEADER.match(line)):
            table = _resolve(_parts(header[2]), lengths, appends=header[1] == "[[")
            lines.setdefault(table, number)
            if header[1] == "[[":
                lines.setdefault(table[:-1], number)
            continue
        if depth == 0 and (key := _KEY.match(line)):
            place = table
            for part in _parts(key[1]):
                place = (*place, part)
                lines.setdefault(place, number)
        depth += sum(line.count(c) for c in "[{") - sum(line.count(c) for c in "]}")
    return lines


def line_of(lines: dict[Place, int], place: Place) -> int:
    """Line of place, or of the nearest thing around it."""
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _mask(match: re.Match[str]) -> str:
    """Blank a comment, and whatever inside a string could be taken for structure; line breaks stay."""
    found = match[0]
    return re.sub(r"[^\n]", " ", found) if found[0] == "#" else re.sub(r"[\[\]{}=#]", "_", found)


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(dotted)]


def _resolve(parts: list[str], lengths: dict[Place, int], appends: bool) -> Place:
    """Place of a table header; an array of tables is entered at its last element."""
    place: Place = ()
    for i, part in enumerate(parts):
        place = (*place, part)
        if appends and i == len(parts) - 1:
            lengths[place] = lengths.get(place, 0) + 1
        if place in lengths:
            place = (*place, lengths[place] - 1)
    return place
