"""haris site: trust another site no more, or again."""

from __future__ import annotations

import argparse

from haris.cli.operators import act, add_operator, add_site
from haris.nouns.ids import require_name

DESCRIPTION = (
    "revoke: after another site was compromised: all keys and pads shared with it are burnt, and all that was relayed "
    "where no other site would have had to betray it; nothing is heard from it or said to it. restore: trust it again "
    "(its links are commissioned anew). To be done at every site that knows it."
)
EXAMPLE = "haris site revoke bank.toml midway\n  haris site restore bank.toml midway"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris site."""
    parser.add_argument("what", choices=("revoke", "restore"), help="what to do")
    add_site(parser)
    parser.add_argument("name", metavar="NAME", help="the other site")
    add_operator(parser)


def run(args: argparse.Namespace) -> int:
    """Ask the site to do it."""
    require_name("NAME", args.name)
    print(act(args, f"/haris/v1/sites/{args.name}/{args.what}").decode())
    return 0
