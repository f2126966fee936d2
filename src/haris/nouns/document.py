"""A TOML document read strictly into frozen dataclasses: what is wrong is told with its line."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from haris.nouns.document_lines import Place, find_lines, line_of
from haris.nouns.errors import ParameterError

K = TypeVar("K")
T = TypeVar("T")

_UNITS: dict[str, tuple[str, dict[str, float]]] = {
    "m": ("metres", {"km": 1e3, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "nm": 1e-9}),
    "s": ("seconds", {"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12, "min": 60.0, "h": 3600.0}),
    "hz": ("hertz", {"khz": 1e3, "mhz": 1e6, "ghz": 1e9}),
    "bits": ("bits", {"kbits": 1e3, "mbits": 1e6, "octets": 8.0, "bytes": 8.0}),
    "octets": ("octets", {"bytes": 1.0, "bits": 1 / 8, "kb": 1e3, "mb": 1e6}),
}
"""By the suffix that haris writes: the unit's name, and what others might write with its size in ours."""

MOST_NUMBER = 1e30
"""Nothing that haris reads is larger, and arithmetic with what is might overflow."""

_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a string", Path: "a path"}


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """The values of a TOML file and the line of each. folder: where its relative paths start."""

    name: str
    folder: Path
    values: Mapping[str, Any]
    lines: dict[Place, int] = dataclasses.field(repr=False)

    def error(self, text: str, *place: str | int) -> ParameterError:
        """The error `file:line: text` about the value at place (names, and indices into [[tables]])."""
        return ParameterError(f"{self.name}:{line_of(self.lines, place)}: {text}")

    def only(self, *names: str) -> None:
        """Raise ParameterError if the document has a table or key beside names."""
        self._refuse_unknown(self.values, dict.fromkeys(names), ())

    def root(self, cls: type[T]) -> T:
        """The whole document as a dataclass; its fields may be dataclasses or tuples of them."""
        return self._build(cls, self.values, ())

    def table(self, name: str, cls: type[T]) -> T:
        """Table [name] as the dataclass cls. Raises ParameterError with the line of what is wrong."""
        if name not in self.values:
            raise self.error(f"table [{name}] is missing")
        return self._build(cls, self.values[name], (name,))

    def tables(self, name: str, cls: type[T]) -> tuple[T, ...]:
        """Every [[name]] as the dataclass cls, in order; none of them is an empty tuple."""
        return typing.cast("tuple[T, ...]", self._convert(tuple[cls, ...], self.values.get(name, []), (name,)))  # type: ignore[valid-type]

    def choice(self, name: str, tag: str, classes: Mapping[str, type[T]]) -> T:
        """Table [name] as the class that its key `tag` names, such as [protocol] with name = "decoy-bb84"."""
        chosen = self.chosen(name, tag, classes)
        rest = {key: value for key, value in self.values[name].items() if key != tag}
        return self._build(chosen, rest, (name,))

    def chosen(self, name: str, tag: str, things: Mapping[str, K]) -> K:
        """What the key `tag` of table [name] names among things."""
        table = self.values.get(name)
        if not isinstance(table, dict):
            raise self.error(f"table [{name}] is missing", name)
        if not isinstance(table.get(tag), str) or table[tag] not in things:
            known = " or ".join(f'"{thing}"' for thing in things)
            raise self.error(f"[{name}] needs {tag} = {known}, got {table.get(tag)!r}", name, tag)
        return things[table[tag]]

    def _build(self, cls: type[T], table: Any, place: Place) -> T:
        if not isinstance(table, dict):
            raise self.error(f"{_title(place)} must be a table", *place)
        hints = typing.get_type_hints(cls)
        fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
        self._refuse_unknown(table, {name: hints[name] for name in fields}, place)
        for name, field in fields.items():
            optional = field.default, field.default_factory
            if name not in table and optional == (dataclasses.MISSING, dataclasses.MISSING):
                raise self.error(f"{_title(place)} lacks {name} ({describe(hints[name])})", *place)
        values = {key: self._convert(hints[key], value, (*place, key)) for key, value in table.items()}
        try:
            return cls(**values)
        except ParameterError as error:
            subject = re.match(r"\w*", str(error))
            key = (subject[0],) if subject and subject[0] in table else ()
            raise self.error(f"{_title(place)}: {error}", *place, *key) from None

    def _refuse_unknown(self, table: Mapping[str, Any], known: Mapping[str, Any], place: Place) -> None:
        for key in table:
            if key not in known:
                advice = _advise(key, table[key], tuple(known))
                raise self.error(f"unknown key '{key}' in {_title(place)}; {advice}", *place, key)

    def _convert(self, hint: Any, value: Any, place: Place) -> Any:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (types.UnionType, typing.Union):  # X | None: TOML has no null; X | tuple[X, ...]: one, or a list
            real = [a for a in arguments if a is not type(None)]
            listed = [a for a in real if typing.get_origin(a) is tuple]
            return self._convert((listed if listed and isinstance(value, list) else real)[0], value, place)
        if dataclasses.is_dataclass(hint):
            return self._build(typing.cast("type[Any]", hint), value, place)
        if origin is tuple and isinstance(value, list):
            return tuple(self._convert(arguments[0], v, (*place, i)) for i, v in enumerate(value))
        if origin is dict and isinstance(value, dict):
            return {k: self._convert(arguments[1], v, (*place, k)) for k, v in value.items()}
        if origin is typing.Literal and value in arguments:
            return value
        if isinstance(hint, type) and issubclass(hint, Enum) and value in [member.value for member in hint]:
            return hint(value)
        if hint is Path and isinstance(value, str):
            return self.folder / value
        if type(value) in (int, float) and MOST_NUMBER < abs(value) < math.inf:
            raise self.error(f"{_title(place)} must lie within {MOST_NUMBER:g} of 0, got {str(value)[:24]}", *place)
        if hint is float and type(value) is int:
            return float(value)
        if isinstance(hint, type) and type(value) is hint:
            return value
        whole = f": write {int(value)}" if hint is int and isinstance(value, float) and value % 1 == 0 else ""
        raise self.error(f"{_title(place)} must be {describe(hint)}, got {value!r}{whole}", *place)


def read_document(path: Path | str) -> Document:
    """Read a TOML file. Raises ParameterError, with the line, when it cannot be read or is not TOML 1.0."""
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ParameterError(f"{path}: cannot be read: {reason}") from None
    return parse_document(text, str(path), path.parent)


def parse_document(text: str, name: str = "<text>", folder: Path | str = ".") -> Document:
    """As read_document, from a text in memory."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r" \(at line (\d+), column \d+\)", str(error))
        line = at[1] if at else text.count("\n") + 1
        raise ParameterError(f"{name}:{line}: not TOML: {re.sub(r' [(]at .*', '', str(error))}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, tables a thousand deep
        raise ParameterError(f"{name}: not TOML that can be read: {error}") from None
    return Document(name, Path(folder), values, find_lines(text.replace("\r\n", "\n")))


def _title(place: Place) -> str:
    """A place as its reader sees it: [channel], [[span]] 2, length_m."""
    if not place:
        return "the document"
    last = place[-1]
    if isinstance(last, int):
        return f"[[{place[-2]}]] {last + 1}"
    return f"[{last}]" if len(place) == 1 else str(last)


def describe(hint: Any) -> str:
    """The TOML value that a field of this type takes, in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return ", or ".join(describe(a) for a in arguments if a is not type(None))
    if origin is tuple:
        return f"a list, each {describe(arguments[0])}"
    if origin is typing.Literal:
        return " or ".join(repr(a) for a in arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " or ".join(repr(member.value) for member in hint)
    return _NAMES.get(hint, "a table")


def _advise(key: str, value: Any, known: tuple[str, ...]) -> str:
    """What would be right in place of an unknown key: our unit, a near name, or the names there are."""
    for right in known:
        stem, _, suffix = right.rpartition("_")
        unit, others = _UNITS.get(suffix, ("", {}))
        size = others.get(key.removeprefix(f"{stem}_").lower()) if stem and key.startswith(stem) else None
        if size and type(value) in (int, float):
            return f"the unit is {unit}: {right} = {value * size:.12g}"
        if unit and key == stem:
            return f"it bears its unit: {right}, in {unit}"
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"it may hold {', '.join(known) or 'nothing'}"
