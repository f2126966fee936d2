"""haris node: one site of the network."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

DESCRIPTION = "Run one site: its spans, its key manager (ETSI GS QKD 014 over mutual TLS), its relays."
EXAMPLE = "haris node bank.toml --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("configuration", type=Path, metavar="NODE.toml", help="the site's configuration")
    parser.add_argument("--json", action="store_true", help="one JSON object a line for every event")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted (SIGINT or SIGTERM)."""
    from haris.node import events
    from haris.node.configuration import read_configuration
    from haris.node.memory import share_one_arena
    from haris.node.site import run_site

    share_one_arena()
    configuration = read_configuration(args.configuration)

    def observe(event: events.Event) -> None:
        print(events.to_json(event) if args.json else events.in_words(event), flush=True)

    asyncio.run(run_site(configuration, observe))
    return 0
