"""Elements of satellites from a text in any of the forms that they are published in."""

from __future__ import annotations

import re

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import Elements
from haris.quantum.orbit.omm import read_omm
from haris.quantum.orbit.tle import read_tle


def read_elements(text: str) -> tuple[Elements, ...]:
    """Every satellite of a text: two-line sets, or messages as JSON, XML or keywords. Raises as those do."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise ParameterError("no elements: the text is empty")
    message = text.lstrip()[0] in "[{<" or re.search(r"^\s*[A-Z_]+\s*=", text, re.MULTILINE)
    return read_omm(text) if message else read_tle(text)


def chosen(elements: tuple[Elements, ...], satellite: str) -> Elements:
    """The one satellite that is called so, or has that catalogue number.

    Raises ParameterError if none has, or several: two sets of one satellite contradict each other.
    """
    wanted = satellite.strip().casefold()
    found = [e for e in elements if wanted in (e.name.casefold(), str(e.catalogue_number))]
    if len(found) != 1:
        raise ParameterError(f"satellite {satellite!r}: the elements hold {len(found) or 'none'} of that name")
    return found[0]
