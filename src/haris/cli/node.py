"""haris node: one site of the network."""

from __future__ import annotations

import argparse
import gc
from functools import partial
from pathlib import Path

DESCRIPTION = "Run one site: its spans, its key manager (ETSI GS QKD 014 over mutual TLS), its relays."
EXAMPLE = "haris node bank.toml --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("configuration", type=Path, metavar="NODE.toml", help="the site's configuration")
    parser.add_argument("--json", action="store_true", help="one JSON object a line for every event")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted (SIGINT or SIGTERM); on SIGHUP read what may change while the site runs."""
    from haris.node.system.memory import overwrite_what_is_freed  # before anything slow is loaded

    overwrite_what_is_freed(["node", str(args.configuration)])
    from haris.node import events
    from haris.node.configuration.node_toml import read_configuration
    from haris.node.site import run_site
    from haris.node.system.loop import run_in_loop
    from haris.node.system.memory import protect_memory, share_one_arena

    share_one_arena()
    configuration = read_configuration(args.configuration)

    def observe(event: events.Event) -> None:
        print(events.to_json(event) if args.json else events.in_words(event), flush=True)

    for words in protect_memory():
        observe(events.SiteEvent(configuration.site.name, "memory", words))
    gc.freeze()  # what was loaded stays: the collector need not look at it again, which would stop all for a while
    run_in_loop(run_site(configuration, observe, partial(read_configuration, args.configuration)))
    return 0
