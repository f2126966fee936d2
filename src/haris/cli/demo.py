"""haris demo: the whole way on this machine, in five acts."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path

DESCRIPTION = (
    "Three sites, two emulated fibres, real distillation, ETSI GS QKD 014 key managers and FIX 4.4 orders through a "
    "tunnel under quantum keys: five acts. Ends with 0, or with 3 when there is no key."
)
EXAMPLE = "haris demo --once --json\n  haris demo --space\n  haris demo --eve 1.0 --eve-after 0 --once"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--once", action="store_true", help="send 100 orders and end, without the acts")
    parser.add_argument("--seconds", type=float, metavar="N", help="let orders flow for N seconds, without the acts")
    parser.add_argument("--orders", type=Path, metavar="FILE", help="a FIX 4.4 log with NewOrderSingle messages")
    parser.add_argument("--eve", type=float, metavar="FRACTION", help="share of the first fibre's pulses that Eve taps")
    parser.add_argument("--eve-after", type=int, default=0, metavar="ORDERS", help="she comes after so many orders")
    parser.add_argument("--space", action="store_true", help="a satellite in place of fibres, over two stations")
    parser.add_argument("--factor", type=float, metavar="N", default=30.0, help="how fast the sky of --space runs (30)")
    parser.add_argument(
        "--contacts", action="store_true", help="the satellite of --space is reached in contacts only: takes an orbit"
    )
    parser.add_argument("--seed", help="any text: the same light again (keys still differ)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the laboratory in DIR (must be empty)")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object; nothing else is shown")


def run(args: argparse.Namespace) -> int:
    """Give the play."""
    from haris.demo.laboratory import orders_file
    from haris.demo.play import Wishes, play
    from haris.demo.screen import Screen
    from haris.nouns.checks import require_not_negative, require_positive, require_probability
    from haris.nouns.errors import ParameterError
    from haris.service.fix_orders import read_orders

    if args.eve is not None:
        require_probability("--eve", args.eve)
    if args.seconds is not None:
        require_positive("--seconds", args.seconds)
    require_not_negative("--eve-after", args.eve_after)
    if args.space and (args.eve is not None or args.seconds is not None):
        raise ParameterError("--space goes with neither --eve nor --seconds")
    if args.contacts and not args.space:
        raise ParameterError("--contacts goes with --space")
    if not 10.0 <= args.factor <= 120.0:
        raise ParameterError(f"--factor must lie in [10, 120], got {args.factor:g}")
    if args.keep is not None and args.keep.exists() and any(args.keep.iterdir()):
        raise ParameterError(f"--keep {args.keep}: the directory must be empty")
    orders = args.orders or orders_file()
    try:
        log = orders.read_bytes()
    except OSError as error:
        raise ParameterError(f"--orders {orders}: {error.strerror}") from None
    try:
        read = read_orders(log)
    except ParameterError as error:
        raise ParameterError(f"{orders}: {error}") from None
    wishes = Wishes(
        orders=read,
        once=args.once,
        seconds=args.seconds,
        eve=args.eve,
        eve_after=args.eve_after,
        directory=args.keep,
        seed=args.seed,
        space=args.factor if args.space else None,
        contacts=args.contacts,
    )
    screen = Screen(quiet=args.json)
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    outcome = asyncio.run(play(wishes, screen))
    screen.summary(outcome.result)
    if args.json:
        print(json.dumps(outcome.result), flush=True)
    if outcome.ended_by is not None:
        raise outcome.ended_by
    return 0
