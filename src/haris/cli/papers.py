"""haris papers: published numbers computed anew."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haris.nouns.errors import ParameterError
from haris.papers.page import page, plain_table
from haris.papers.published import published_rows
from haris.papers.row import read_rows
from haris.papers.validation import Result, evaluate

DESCRIPTION = (
    "Compute the numbers of published experiments and theory anew, and write them beside the published ones to "
    "docs/validation.md. Exits with 0 when every number that is computed holds, and with 3 when one does not."
)
EXAMPLE = "haris papers --file ROWS.toml --json"

PAGE = Path("docs/validation.md")
EXIT_NOT_HELD = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--file", metavar="ROWS.toml", type=Path, help="rows of yours, in the form of src/haris/papers/rows/*.toml"
    )
    parser.add_argument(
        "--out",
        metavar="FILE.md",
        type=Path,
        help=f"where the page goes (default: {PAGE} below here; with --file or --json no page)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON list in place of the table")


def run(args: argparse.Namespace) -> int:
    """Compute, print, write the page."""
    out = args.out
    if out is None and args.file is None and not args.json:
        out = PAGE
    if out is not None and not out.parent.is_dir():
        raise ParameterError(f"{out}: there is no folder {out.parent} here: run it in the project, or give --out")
    results = list(evaluate(published_rows() if args.file is None else read_rows(args.file)))
    print(json.dumps([report(result) for result in results], indent=2) if args.json else plain_table(results))
    if out is not None:
        out.write_text(page(results), encoding="utf-8")
    return _verdict(results)


def report(result: Result) -> dict[str, Any]:
    """A result as JSON."""
    names = ("id", "quantity", "published", "ours", "ratio", "status", "tolerance", "holds")
    more = ("key", "source", "sense", "reason", "explanation")
    return {name: getattr(result, name) for name in (*names, *more)}


def _verdict(results: Sequence[Result]) -> int:
    failed = [result for result in results if result.holds is False]
    for result in failed:
        print(f"haris papers: {result.id}, {result.quantity}: does not hold", file=sys.stderr)
    return EXIT_NOT_HELD if failed else 0
