"""haris alarm: the alarms of one site, and their acknowledgement."""

from __future__ import annotations

import argparse
import getpass
import time

import msgspec

from haris.cli.operators import add_site, ask_site
from haris.nouns.alarms import Standing
from haris.nouns.errors import ParameterError
from haris.report.network_status import alarm_line

DESCRIPTION = (
    "list: the newest alarms of a site, those that are over included. ack: say that an operator has seen alarm ID; "
    "the audit log keeps who. Every kind of alarm is explained in docs/reference/alarms.md."
)
EXAMPLE = "haris alarm list bank.toml\n  haris alarm ack bank.toml 17"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris alarm."""
    parser.add_argument("what", choices=("list", "ack"), help="what to do")
    add_site(parser)
    parser.add_argument("id", nargs="?", type=int, metavar="ID", help="ack: the number of the alarm")
    parser.add_argument(
        "--operator", metavar="NAME", help="ack at a Unix socket: who you are (default: your login name)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON value")


def run(args: argparse.Namespace) -> int:
    """List or acknowledge."""
    if (args.id is not None) != (args.what == "ack"):
        raise ParameterError("ack takes the ID of an alarm, list takes none")
    if args.what == "list":
        body = ask_site(args, lambda client: client.get("/haris/v1/alarms"))
        alarms = msgspec.json.decode(body, type=tuple[Standing, ...])
    else:
        local = "://" not in args.site
        who = {"operator": args.operator or getpass.getuser()} if local else {}
        body = ask_site(args, lambda client: client.post(f"/haris/v1/alarms/{args.id}/acknowledge", who))
        alarms = (msgspec.json.decode(body, type=Standing),)
    if args.json:
        print(body.decode())
        return 0
    for alarm in alarms:
        print(alarm_line(alarm, time.time_ns()))
    return 0
