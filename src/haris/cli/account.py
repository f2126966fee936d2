"""haris account: who used how much key."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from haris.cli.operators import add_site, ask_site
from haris.manage.accounting import GROUPS, Usages, group, roll_up
from haris.manage.audit import Entry
from haris.node.configuration.node_toml import read_configuration
from haris.node.operation.audit_file import read_audit
from haris.nouns.errors import ParameterError
from haris.nouns.times import read_time
from haris.nouns.usage import Account, Usage
from haris.wire.usage import read_usages

DESCRIPTION = (
    "Keys, bits, requests and denials by day, customer, SAE, peer, interface and method. A running site answers from "
    "its accounts; with --log FILE they are computed anew from an audit log (a store, a backup, an export)."
)
EXAMPLE = "haris account bank.toml --by customer,day --since 2026-03-01 --until 2026-04-01 --csv"
COLUMNS = ("requests", "keys", "bits", "denials")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris account."""
    add_site(parser)
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="from this audit log; SITE is NODE.toml, for customers"
    )
    parser.add_argument("--since", metavar="DAY", help="from this day on (UTC)")
    parser.add_argument("--until", metavar="DAY", help="before this day (UTC)")
    parser.add_argument("--by", default="customer,sae,peer", metavar="NAMES", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--csv", action="store_true", help="print comma-separated values")
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def run(args: argparse.Namespace) -> int:
    """Sum up and print."""
    by = [name for name in args.by.split(",") if name]
    if set(by) - set(GROUPS):
        raise ParameterError(f"--by takes names of {', '.join(GROUPS)}, got {args.by!r}")
    if args.log is not None:
        usages = group(_of_log(args), by)
    else:
        query = {"since": args.since, "until": args.until, "by": ",".join(by)}
        usages = read_usages(ask_site(args, lambda client: client.get("/haris/v1/accounts", **query)))
    _print(usages, by, args)
    return 0


def _of_log(args: argparse.Namespace) -> Usages:
    customers = {entry.id: entry.customer for entry in read_configuration(Path(args.site)).sae}
    since = None if args.since is None else read_time("--since", args.since)
    until = None if args.until is None else read_time("--until", args.until)

    def asked(parts: Iterable[object]) -> Iterable[Entry]:
        for part in parts:
            if isinstance(part, Entry) and (since is None or part.time_ns >= since):
                yield from (part,) if until is None or part.time_ns < until else ()

    return roll_up(asked(read_audit(args.log)), customers)


def _print(usages: Mapping[Account, Usage], by: list[str], args: argparse.Namespace) -> None:
    names = [name for name in GROUPS if name in by]
    rows = [[*(getattr(account, name) for name in names), *asdict(usage).values()] for account, usage in usages.items()]
    if args.json:
        print(json.dumps([dict(zip((*names, *COLUMNS), row, strict=True)) for row in rows]))
    elif args.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([[*names, *COLUMNS], *rows])
    else:
        table = [[*names, *COLUMNS], *([str(cell) for cell in row] for row in rows)]
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        for row in table:
            left = [cell.ljust(width) for cell, width in zip(row[: len(names)], widths, strict=False)]
            right = [cell.rjust(width) for cell, width in zip(row[len(names) :], widths[len(names) :], strict=True)]
            print("  ".join([*left, *right]).rstrip())
