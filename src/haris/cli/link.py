"""haris link: what is done by hand for a link between two sites."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

DESCRIPTION = (
    "secret: make the two halves of a link's secret, which two people carry to both sites; either half alone says "
    "nothing. check: the checksum of a half that has arrived, to be read back to who made it. recommission: begin a "
    "link anew whose authentication pad is used up, or out of step, or void since a store went back."
)
EXAMPLE = (
    "haris link secret bank-midway --site bank --site midway\n  haris link check bank-midway.1.midway\n"
    "  haris link recommission bank-midway bank.toml --secret bank-midway.1.bank bank-midway.2.bank "
    "--made 2026-03-01T12:00:00Z"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    secret = commands.add_parser("secret", description="Write NAME.1.SITE and NAME.2.SITE for both sites.")
    secret.add_argument("name", metavar="NAME", help="the link's name, as in [[span]] of both NODE.toml")
    secret.add_argument("--site", action="append", default=[], metavar="SITE", help="a site of the link; given twice")
    secret.add_argument("--half", type=int, choices=(1, 2), help="only this half: the other is made elsewhere")
    secret.add_argument(
        "--randomness", type=Path, metavar="NODE.toml", help="take the bits where [randomness] of this site says"
    )
    secret.add_argument("--folder", type=Path, default=Path(), metavar="DIR", help="where the files go")
    check = commands.add_parser("check", description="Print the checksum of a half.")
    anew = commands.add_parser(
        "recommission", description="At both sites, each stopped: the ledgers of a span go on beyond whatever was used."
    )
    anew.add_argument("name", metavar="SPAN", help="the link's name")
    anew.add_argument("configuration", type=Path, metavar="NODE.toml", help="this site's configuration")
    anew.add_argument(
        "--secret",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="this site's: one file, or two halves",
    )
    anew.add_argument(
        "--made", required=True, metavar="TIME", help="as `haris link secret` told it: the same at both sites"
    )
    check.add_argument("file", type=Path, metavar="FILE", help="the half as it arrived")


def run(args: argparse.Namespace) -> int:
    """Make halves, or check one."""
    from haris.node.configuration.node_toml import read_configuration
    from haris.node.entropy.site_randomness import entropy_of_command
    from haris.node.spans.commissioning import HALVES, make_halves, read_checksum
    from haris.nouns.errors import ParameterError
    from haris.nouns.ids import require_name
    from haris.nouns.times import write_time

    if args.action == "check":
        print(read_checksum(args.file))
        return 0
    if args.action == "recommission":
        return _recommission(args)
    if len(set(args.site)) != 2:
        raise ParameterError("a link has two sites: name each with --site")
    for name in (args.name, *args.site):
        require_name("a name", name)
    halves = HALVES if args.half is None else (args.half,)
    configuration = read_configuration(args.randomness) if args.randomness else None
    table, laboratory = (configuration.randomness, configuration.site.laboratory) if configuration else (None, False)
    if configuration is not None and table is None:
        raise ParameterError(f"{args.randomness} has no table [randomness]")
    with entropy_of_command(table, laboratory) as entropy:
        made = make_halves(args.folder, args.name, halves, (args.site[0], args.site[1]), entropy)
    for path, checksum in made.items():
        print(f"{path}: {checksum}")
    print(f"made {write_time(time.time_ns())[:19]}Z")
    return 0


def _recommission(args: argparse.Namespace) -> int:
    from haris.node.configuration.node_toml import read_configuration
    from haris.node.entropy.site_randomness import entropy_of_command
    from haris.node.spans.commissioning import recommission
    from haris.node.store.key_encryption_key import read_key_encryption_key
    from haris.node.store.store import open_store
    from haris.nouns.errors import ParameterError
    from haris.nouns.times import NS_PER_S, read_time

    configuration = read_configuration(args.configuration)
    if args.name not in {span.name for span in configuration.span}:
        raise ParameterError(f"{args.configuration} has no [[span]] {args.name}")
    made_s, table = read_time("--made", args.made) // NS_PER_S, configuration.store
    if made_s > time.time() + 86400:
        raise ParameterError(f"--made {args.made} lies in the future")
    key = read_key_encryption_key(table.key_encryption_key, table.unlock)
    with entropy_of_command(configuration.randomness, configuration.site.laboratory) as entropy:
        store = open_store(table.place(), key, entropy, f"{configuration.site.name}/recommission")
        try:
            recommission(store, args.name, args.secret, made_s)
        finally:
            store.close()
    print(f"{args.name}: begins anew; start the site, and do the same at the other one")
    return 0
