"""docs/performance.md from what `haris bench --json` printed: docs/performance.json, or the files named.

Rows of several runs join in the order of goals.toml; of two for the same goal the later file's stands.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haris.bench.goals import read_goals

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs" / "performance.json"
PAGE = ROOT / "docs" / "performance.md"
MADE = "<!-- Made by `python tools/performance.py` from performance.json: measure again, do not edit. -->"
WORDS = """Each figure is the median of its runs, ours and the peer's in turns in the same run; ratios are what to read,
for machines differ. Goals are those of `src/haris/bench/goals.toml`. `haris bench` measures all of it anew:
`haris bench --json > rows.json`, then `python tools/performance.py rows.json`."""

Rows = Sequence[dict[str, Any]]


def joined(files: Sequence[Path]) -> list[dict[str, Any]]:
    """One row for each goal, in the order of goals.toml. Raises SystemExit when one was not measured."""
    rows = {key_of(row): row for file in files for row in json.loads(file.read_text(encoding="utf-8"))}
    wanted = [(goal.name, goal.setting, goal.unit) for goal in read_goals()]
    if missing := [key for key in wanted if key not in rows]:
        raise SystemExit(f"not measured: {'; '.join(', '.join(key) for key in missing)}")
    return [rows[key] for key in wanted]


def key_of(row: dict[str, Any]) -> tuple[str, str, str]:
    """What a goal and its row share."""
    return row["name"], row["setting"], row["unit"]


def page(rows: Rows) -> str:
    """The page: a table for each measurement."""
    met = sum(row["met"] is True for row in rows)
    parts = ["# Performance", MADE, " ".join(WORDS.split()), f"{met} of {len(rows)} goals are met."]
    for name in dict.fromkeys(row["name"] for row in rows):
        parts += [f"## {name}", *_section([row for row in rows if row["name"] == name])]
    return "\n\n".join(parts) + "\n"


def _section(rows: Rows) -> list[str]:
    head = ("setting", "haris", "peer", "ratio", "goal", "", "by")
    lines = [head, tuple("---" for _ in head), *map(_line, rows)]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    where = dict.fromkeys(f"{row['processor']}; {row['runs']} runs, scale {row['scale']:g}" for row in rows)
    peers = dict.fromkeys(f"- {row['peer_name']}" for row in rows)
    quality = dict.fromkeys(_quality(row) for row in rows if "f" in row)
    return [f"Measured on {' and on '.join(where)}.", table, "\n".join(peers), *filter(None, ["\n".join(quality)])]


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    goal = f"{row['goal']:g} of the peer" if row["sense"] == "of peer" else f"{row['sense']} {row['goal']:g}"
    peer = tuple("—" if row[name] is None else f"{row[name]:.4g}" for name in ("peer", "ratio"))
    verdict = {True: "met", False: "**missed**"}.get(row.get("met"), "not measured")
    return row["setting"], f"{row['ours']:.4g} {row['unit']}", *peer, goal, verdict, row.get("isa", "")


def _quality(row: dict[str, Any]) -> str:
    frames = f"{row['frame_error_rate']:.3g} of {row['frames']} frames failed"
    ours = f"- {row['setting']}: f {row['f']:.3f} ({row['f_strict']:.3f} counted in both directions), {frames}"
    return f"{ours}; the peer's f {row['peer_f']:.3f}" if "peer_f" in row else ours


def main(files: Sequence[str]) -> int:
    """Join, keep, and write the page."""
    rows = joined([KEPT, *map(Path, files)] if KEPT.exists() else list(map(Path, files)))
    KEPT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
