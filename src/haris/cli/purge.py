"""haris purge: burn the keys that a pair of applications has."""

from __future__ import annotations

import argparse

import msgspec

from haris.cli.operators import act, add_operator, add_site

DESCRIPTION = (
    "Burn all keys that are leased or assigned to a master and a slave, at both their sites. Keys that both have "
    "fetched are theirs; the stock of the sites stays, and later requests get fresh keys: deny the pair with [[allow]] "
    "first."
)
EXAMPLE = "haris purge bank.toml --master alice --slave bob"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris purge."""
    add_site(parser)
    parser.add_argument("--master", required=True, metavar="SAE", help="who asks for the pair's keys")
    parser.add_argument("--slave", required=True, metavar="SAE", help="who fetches them by key_ID")
    add_operator(parser)


def run(args: argparse.Namespace) -> int:
    """Ask the site to do it."""
    n_keys = msgspec.json.decode(act(args, f"/haris/v1/purge/{args.master}/{args.slave}"), type=dict[str, int])["keys"]
    print(f"{args.master} {args.slave}: {n_keys} keys are burnt here; the other site is told")
    return 0
