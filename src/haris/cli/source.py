"""haris source: an operator's word on a key source."""

from __future__ import annotations

import argparse
from pathlib import Path

DESCRIPTION = (
    "release: let a key source out of quarantine at this site, once what was wrong with its box is put right. The site "
    "may run: it takes the release up when it next wants keys of the source. Each end of a span keeps a quarantine of "
    "its own."
)
EXAMPLE = 'haris source release bank.toml acme-box --by "Omar: unit replaced, ticket 4711"'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("action", choices=("release",), help="what to do")
    parser.add_argument("configuration", type=Path, metavar="NODE.toml", help="the site's configuration")
    parser.add_argument("source", metavar="NAME", help="the source, by its name in the inventory")
    parser.add_argument("--by", required=True, metavar="TEXT", help="who releases it, and why; stands in the event")


def run(args: argparse.Namespace) -> int:
    """Leave the word where the site looks for it."""
    from haris.node.configuration.node_toml import read_configuration
    from haris.node.sources.watch import leave_release
    from haris.nouns.errors import ParameterError

    configuration = read_configuration(args.configuration)
    names = [entry.name for entry in configuration.source]
    if args.source not in names:
        raise ParameterError(
            f"{args.configuration} has no [[source]] {args.source}; it has {', '.join(names) or 'none'}"
        )
    leave_release(configuration.store.beside, args.source, args.by)
    print(f"source {args.source} will be released when its site next wants keys of it")
    return 0
