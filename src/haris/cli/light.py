"""haris light: one emulated fibre as a process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import signal
from pathlib import Path

DESCRIPTION = "Emulate one fibre: the process that alone knows both halves of the light."
EXAMPLE = "haris light examples/links/metro_25km.toml --socket fibre.sock"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("link", type=Path, metavar="LINK.toml", help="the link to emulate")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket at which the two sites attach")
    parser.add_argument("--eve", type=float, default=0.0, metavar="FRACTION", help="share of the pulses that Eve taps")
    parser.add_argument("--seed", help="any text: the same light again (for tests; by default fresh randomness)")


def run(args: argparse.Namespace) -> int:
    """Shine until interrupted."""
    from haris.node.light import run_light
    from haris.node.memory import share_one_arena
    from haris.nouns.checks import require_probability
    from haris.quantum.link import Link

    require_probability("--eve", args.eve)
    share_one_arena()
    seed = None if args.seed is None else hashlib.sha256(args.seed.encode()).digest()

    async def shine() -> None:
        this = asyncio.current_task()
        assert this is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, this.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await run_light(Link.read(args.link), args.socket, seed, args.eve)

    asyncio.run(shine())
    return 0
