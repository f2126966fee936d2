"""Rows of published numbers: published.toml, by id."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from haris.nouns.errors import ParameterError


def published_rows() -> dict[str, dict[str, Any]]:
    """Every row of published.toml by its id, in the file's order."""
    text = resources.files("haris.papers").joinpath("published.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    return {row["id"]: row for kind in ("experiment", "golden") for row in tables[kind]}


def published_row(name: str) -> dict[str, Any]:
    """One row. Raises ParameterError if there is none of that id."""
    rows = published_rows()
    if name not in rows:
        raise ParameterError(f"published.toml has no row {name!r}")
    return rows[name]
