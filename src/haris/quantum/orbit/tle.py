"""Two-line element sets, with or without a line of the name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import DAY_S, Elements

T = TypeVar("T")

LENGTH = 69
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of Alpha-5: the first digit of a catalogue number above 99999; I and O are left out."""
_SGP4 = "0 "
"""Types of ephemeris that are fitted with it; 4 is SGP4-XP, off by kilometres here."""
_FIRST_YEAR = 57
"""Two digits of a year from here on are of the last century."""


def checksum(line: str) -> int:
    """Last digit of a line: the sum of its first 68 characters modulo 10, a minus counting as 1."""
    return sum(int(c) if "0" <= c <= "9" else c == "-" for c in line[: LENGTH - 1]) % 10


def read_tle(text: str) -> tuple[Elements, ...]:
    """Every element set of a text, in order.

    Raises ParameterError, with the number of the line, on a line that is too short or long, a bad checksum, lines of
    two satellites, a name without its lines, a field that is no number, elements of another theory than SGP4's, or
    elements that are no orbit.
    Source: Hoots, Roehrich, Spacetrack Report No. 3 (1980); Alpha-5 as space-track.org writes it.
    """
    lines = [(n, line.rstrip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    sets: list[Elements] = []
    name, named_at = "", 0
    i = 0
    while i < len(lines):
        number, line = lines[i]
        if not re.match(r"[12] ", line):
            if named_at:
                break
            name, named_at = line.removeprefix("0 ").strip(), number
            i += 1
            continue
        if line[0] != "1" or i + 1 == len(lines) or not lines[i + 1][1].startswith("2 "):
            raise ParameterError(f"line {number}: a line 1 must be followed by its line 2")
        sets.append(_elements(name, lines[i], lines[i + 1]))
        name, named_at = "", 0
        i += 2
    if named_at and any(line.startswith("1 ") for _, line in lines):
        raise ParameterError(f"line {named_at}: a name must be followed by its line 1: {name[:24]!r}")
    if not sets:
        raise ParameterError("no element set in the text")
    return tuple(sets)


def _elements(name: str, first: tuple[int, str], second: tuple[int, str]) -> Elements:
    for number, line in (first, second):
        if len(line) != LENGTH or not line.isascii():
            raise ParameterError(f"line {number}: an element line has {LENGTH} characters, got {len(line)}")
        if line[-1] != str(checksum(line)):
            raise ParameterError(f"line {number}: its checksum is {checksum(line)}, and it says {line[-1]}")
    one, two = first[1], second[1]
    if one[2:7] != two[2:7]:
        raise ParameterError(f"line {second[0]}: is of {two[2:7]}, and the line before of {one[2:7]}")
    if one[62] not in _SGP4:
        raise ParameterError(f"line {first[0]}, column 63: ephemeris type {one[62]!r} is of another theory than SGP4")
    catalogue_number = _field(first, 2, 7, _catalogue_number)
    try:
        return Elements(
            name=name or str(catalogue_number),
            catalogue_number=catalogue_number,
            epoch_s=_field(first, 18, 32, _epoch_s),
            bstar_per_radius=_field(first, 53, 61, _with_exponent),
            inclination_deg=_field(second, 8, 16, _decimal),
            raan_deg=_field(second, 17, 25, _decimal),
            eccentricity=_field(second, 26, 33, lambda text: _decimal("." + text.replace(" ", "0"))),
            argument_of_perigee_deg=_field(second, 34, 42, _decimal),
            mean_anomaly_deg=_field(second, 43, 51, _decimal),
            mean_motion_rev_per_day=_field(second, 52, 63, _decimal),
        )
    except ParameterError as error:
        raise ParameterError(str(error) if str(error).startswith("line ") else f"line {second[0]}: {error}") from None


def _field(numbered: tuple[int, str], start: int, stop: int, read: Callable[[str], T]) -> T:
    number, line = numbered
    try:
        return read(line[start:stop].strip())
    except ValueError:
        raise ParameterError(
            f"line {number}, columns {start + 1} to {stop}: not understood: {line[start:stop]!r}"
        ) from None


def _decimal(text: str) -> float:
    if not re.fullmatch(r"[-+]?[0-9]*\.?[0-9]+", text):
        raise ValueError(text)
    return float(text)


def _with_exponent(text: str) -> float:
    """`-12345-3` is -0.12345e-3."""
    parts = re.fullmatch(r"([-+]?)([0-9]{5})([-+][0-9])", text)
    if parts is None:
        raise ValueError(text)
    return float(f"{parts[1]}0.{parts[2]}e{parts[3]}")


def _catalogue_number(text: str) -> int:
    if text[:1] in _LETTERS and text[:1] and len(text) == 5 and text[1:].isdigit():
        return (10 + _LETTERS.index(text[0])) * 10_000 + int(text[1:])
    if not text.isdigit():
        raise ValueError(text)
    return int(text)


def _epoch_s(text: str) -> float:
    """Year and day of `16353.90152003`; the first of January is day 1."""
    if not re.fullmatch(r"[0-9]{2}[ 0-9]{3}\.[0-9]+", text):
        raise ValueError(text)
    year, day = int(text[:2]), float(text[2:])
    year += 1900 if year >= _FIRST_YEAR else 2000
    start_s, stop_s = (datetime(each, 1, 1, tzinfo=UTC).timestamp() for each in (year, year + 1))
    moment_s = start_s + (day - 1.0) * DAY_S
    if not start_s <= moment_s < stop_s:
        raise ValueError(text)
    return moment_s
