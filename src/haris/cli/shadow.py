"""haris shadow: run haris beside an incumbent key manager, and compare."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from pathlib import Path

DESCRIPTION = (
    "Ask an incumbent key manager and haris the same at the same moments (ETSI GS QKD 014: status, a key and its "
    "fetching, a replay, wrong requests), with SAEs that serve for nothing else, and compare statuses, keys and "
    "latencies. The keys are thrown away; no request of anybody is passed on. Differences are told as they come, and a "
    "summary at the end, which an interrupt brings. Exits with 0 when the two never differed, with 1 when they did."
)
EXAMPLE = "haris shadow SHADOW.toml --rounds 1440"
EXIT_DIFFERENT = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("configuration", type=Path, metavar="SHADOW.toml", help="the two systems, and the pace")
    parser.add_argument("--rounds", type=int, metavar="N", help="how many rounds; without it until interrupted")
    parser.add_argument("--json", action="store_true", help="one JSON object a line; the last is the summary")


def run(args: argparse.Namespace) -> int:
    """Compare until the rounds are over."""
    from haris.manage.comparison import Comparison, Difference, in_words
    from haris.node.doctor.shadow import read_shadow, run_shadow
    from haris.nouns.errors import ParameterError

    if args.rounds is not None and args.rounds < 1:
        raise ParameterError(f"--rounds must be at least 1, got {args.rounds}")
    configuration, comparison = read_shadow(args.configuration), Comparison()

    def tell(d: Difference) -> None:
        told = {"at": d.at, "request": d.request, "incumbent": d.incumbent, "haris": d.haris}
        line = f"{d.at} {d.request}: incumbent {d.incumbent}; haris {d.haris}"
        print(json.dumps(told) if args.json else line, flush=True)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_shadow(configuration, args.rounds, comparison, tell))
    print(json.dumps(comparison.as_json()) if args.json else in_words(comparison))
    return EXIT_DIFFERENT if comparison.differences else 0
