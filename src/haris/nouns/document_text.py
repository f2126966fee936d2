"""Dataclasses written as a TOML document that reads back to the same values."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from haris.nouns.errors import ParameterError


def document_text(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """TOML text of tables of plain values, and of dataclasses as inline tables; None is left out, for TOML has no null.

    Floats keep every digit.
    """
    parts = []
    for name, table in tables.items():
        lines = [f"{key} = {_value(value)}" for key, value in table.items() if value is not None]
        parts.append("\n".join([f"[{name}]", *lines]) + "\n")
    return "\n".join(parts)


def fields_of(noun: Any) -> dict[str, Any]:
    """The fields of a dataclass instance by name, not descending."""
    return {field.name: getattr(noun, field.name) for field in dataclasses.fields(noun)}


def write_document(path: Path | str, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Write tables to a file, whole or not at all. Raises OSError as the file system does."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(document_text(tables), encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _value(value: Any) -> str:
    if isinstance(value, Enum):
        return _value(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (str, Path)):
        return json.dumps(str(value))  # a JSON string is a basic TOML string
    if dataclasses.is_dataclass(value):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in fields_of(value).items() if v is not None) + " }"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    raise ParameterError(f"{type(value).__name__} has no form in a TOML document")
