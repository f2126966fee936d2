"""Numbers of a link that no device has: so small or so great that sums of floating point lose their meaning."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

from haris.nouns.document import MOST_NUMBER
from haris.nouns.errors import ParameterError
from haris.quantum.families.family import Family, Parts

LEAST, MOST = 1.0 / MOST_NUMBER, MOST_NUMBER
"""In magnitude, each in its own unit. Products of a few such numbers stay within a float64."""


def require_magnitudes(family: Family, parts: Parts) -> None:
    """Raise ParameterError on a number of the physical parts above MOST, or one below LEAST that may not be 0.

    Where 0 is taken, what is below LEAST is as good as that. Infinity is left to who takes it.
    """
    for name in ("source", "channel", "detector", "protocol"):
        _require(getattr(parts, name), partial(_require_part, family, parts, name))


def _require(holder: Any, check: Callable[[Any], None]) -> None:
    """check: raises ParameterError on a holder in the place of this one that does not fit."""
    for each in fields(holder):
        value = getattr(holder, each.name)
        entries = value if isinstance(value, tuple) else (value,)
        for at, entry in enumerate(entries):
            if is_dataclass(entry):
                _require(entry, partial(_require_inner, check, holder, each.name))
            elif isinstance(entry, int | float) and MOST < abs(entry) < math.inf:
                raise ParameterError(f"{each.name} must be at most {MOST:g} in magnitude, got {entry}")
            elif isinstance(entry, float) and 0.0 < abs(entry) < LEAST:
                none = (*entries[:at], 0.0, *entries[at + 1 :])
                try:
                    check(replace(holder, **{each.name: none if isinstance(value, tuple) else 0.0}))
                except ParameterError:
                    message = f"{each.name} must be at least {LEAST:g} in magnitude, got {entry}"
                    raise ParameterError(message) from None


def _require_part(family: Family, parts: Parts, name: str, part: Any) -> None:
    """Plain parts, which warn of nothing, with another part."""
    held = {each.name: getattr(parts, each.name) for each in fields(Parts)}
    family.require(Parts(**{**held, name: part}))


def _require_inner(check: Callable[[Any], None], holder: Any, name: str, inner: Any) -> None:
    check(replace(holder, **{name: inner}))
