"""haris entropy: quantum random numbers, from raw samples to what they are worth."""

from __future__ import annotations

import argparse

from haris.cli import (
    entropy_assess,
    entropy_calibrate,
    entropy_conditioning,
    entropy_emulate,
    entropy_feed,
    entropy_report,
    entropy_restarts,
    entropy_serve,
    entropy_sources,
    entropy_watch,
)

DESCRIPTION = "Random numbers of a noise source."
EXAMPLE = (
    "haris entropy sources examples/entropy/vacuum.toml\n"
    "  haris entropy emulate examples/entropy/vacuum.toml samples --samples 1000000\n"
    "  haris entropy assess samples.bin --bits 8\n"
    "  haris entropy assess samples.bin --bits 8 --iid --json"
)
COMMANDS = {
    "sources": entropy_sources,
    "emulate": entropy_emulate,
    "calibrate": entropy_calibrate,
    "assess": entropy_assess,
    "restarts": entropy_restarts,
    "conditioning": entropy_conditioning,
    "report": entropy_report,
    "serve": entropy_serve,
    "feed": entropy_feed,
    "watch": entropy_watch,
}
"""Each has SUMMARY, DESCRIPTION, add_arguments(parser), run(args) -> exit code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands of haris entropy."""
    commands = parser.add_subparsers(dest="entropy_command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.SUMMARY, description=module.DESCRIPTION)
        module.add_arguments(command)
        command.set_defaults(run_entropy=module.run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    return int(args.run_entropy(args))
