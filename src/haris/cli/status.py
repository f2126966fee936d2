"""haris status: the whole network as one of its sites sees it."""

from __future__ import annotations

import argparse
import time

from haris.cli.operators import add_site, ask_site
from haris.nouns.checks import require_positive
from haris.report.network_status import network_text
from haris.wire.status import read_network_status

DESCRIPTION = (
    "Show the whole network as one of its sites sees it: every site, its spans, its pools and when they run dry, its "
    "alarms. A site that does not answer is shown with its last word, and since when it is away."
)
EXAMPLE = (
    "haris status bank.toml --watch\n  haris status https://bank.example:8600 --cert ops.crt --key ops.key --ca ca.crt"
)
CLEAR = "\x1b[H\x1b[2J\x1b[3J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris status."""
    add_site(parser)
    parser.add_argument("--watch", action="store_true", help="show it again and again, until interrupted")
    parser.add_argument("--every", type=float, default=2.0, metavar="S", help="--watch: seconds between (default 2)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Ask once, or again and again."""
    require_positive("--every", args.every)
    while True:
        body = ask_site(args, lambda client: client.get("/haris/v1/status"))
        if args.json:
            print(body.decode(), flush=True)
        else:
            print((CLEAR if args.watch else "") + network_text(read_network_status(body)), flush=True)
        if not args.watch:
            return 0
        time.sleep(args.every)
