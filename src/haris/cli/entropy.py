"""haris entropy: quantum random numbers, from raw samples to what they are worth."""

from __future__ import annotations

import argparse

from haris.cli import entropy_assess

DESCRIPTION = "Random numbers of a noise source."
EXAMPLE = "haris entropy assess samples.bin --bits 8\n  haris entropy assess samples.bin --bits 8 --iid --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands of haris entropy."""
    commands = parser.add_subparsers(dest="entropy_command", metavar="COMMAND", required=True)
    assess = commands.add_parser("assess", help=entropy_assess.SUMMARY, description=entropy_assess.DESCRIPTION)
    entropy_assess.add_arguments(assess)
    assess.set_defaults(run_entropy=entropy_assess.run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    return int(args.run_entropy(args))
