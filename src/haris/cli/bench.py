"""haris bench: measure haris against its peers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from haris.bench.contest import Conditions
from haris.bench.goals import read_goals
from haris.bench.machine import processor
from haris.bench.runner import GROUPS, MEASUREMENTS, Row, measure
from haris.nouns.errors import ParameterError

DESCRIPTION = "Measure haris against its goals, and against its peers in the same run, on one core (keys: on two)."
EXAMPLE = "haris bench amplification store --json"

N_RUNS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris bench."""
    groups = "; ".join(f"{group}: {', '.join(names)}" for group, names in GROUPS.items())
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help=f"{', '.join(MEASUREMENTS)} (default: all of them); {groups}"
    )
    parser.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="on the disk that store and keys are to measure (default: here)",
    )
    parser.add_argument("--runs", metavar="N", type=int, default=N_RUNS, help=f"runs of each (default: {N_RUNS})")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="of the inputs (default: 1)")
    parser.add_argument("--scale", metavar="F", type=float, default=1.0, help="share of the full work (default: 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON list instead of the table")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 0 whether or not the goals are met, 1 when one of them cannot be told."""
    names = [name for asked in args.names for name in GROUPS.get(asked, (asked,))]
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        raise ParameterError(f"no measurement is called {unknown[0]!r}: there is {', '.join((*MEASUREMENTS, *GROUPS))}")
    if args.runs < 1 or args.seed < 0 or not args.scale > 0:
        raise ParameterError("--runs is at least 1, --seed at least 0, --scale above 0")
    goals = [goal for goal in read_goals() if not names or goal.name in names]
    rows = list(measure(goals, Conditions(args.seed, args.scale, args.folder), args.runs))
    if args.json:
        where = {"processor": processor(), "runs": args.runs, "scale": args.scale}
        print(json.dumps([_report(row) | where for row in rows], indent=2))
    else:
        _print_table(rows, args.runs)
    missing = [row for row in rows if row.met is None]
    for row in missing:
        print(f"haris bench: {row.name}, {row.setting}, {row.unit}: not measured: {row.peer_name}", file=sys.stderr)
    return 1 if missing else 0


def _report(row: Row) -> dict[str, object]:
    """Every column that has a meaning for this row; peer and ratio always."""
    return {name: value for name, value in asdict(row).items() if value is not None or name in ("peer", "ratio")}


def _print_table(rows: Sequence[Row], n_runs: int) -> None:
    cells = [("name", "setting", "ours", "unit", "goal", "peer", "ratio"), *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print(f"\nMedians of {n_runs} runs, ours and the peer in turns. Peers:")
    for name, peer in dict.fromkeys((row.name, row.peer_name) for row in rows):
        print(f"  {name}: {peer}")
    for row in rows:
        if row.f is not None:
            print(f"  {row.setting}: {_efficiency(row)}")


def _cells(row: Row) -> tuple[str, ...]:
    goal = f"{row.goal:g} of peer" if row.sense == "of peer" else f"{row.sense} {row.goal:g}"
    goal += {True: "", False: " (missed)", None: " (not measured)"}[row.met]
    peer = ("-", "-") if row.peer is None or row.ratio is None else (f"{row.peer:.4g}", f"{row.ratio:.3g}")
    return row.name, row.setting, f"{row.ours:.4g}", row.unit, goal, *peer


def _efficiency(row: Row) -> str:
    ours = (
        f"f {row.f:.3f}, {row.f_strict:.3f} counted in both directions; "
        f"{row.frame_error_rate:.3g} of {row.frames} frames failed"
    )
    return ours if row.peer_f is None else f"{ours} (peer: f {row.peer_f:.3f}, {row.peer_frame_error_rate:.3g} failed)"
