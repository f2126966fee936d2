"""haris entropy feed: bits of a source for the kernel's pool, or for rngd."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from haris.node import events
from haris.node.entropy.feeding import KERNEL, FifoFeed, KernelFeed, feed
from haris.node.entropy.opening import open_supply
from haris.node.entropy.supply import RandomSupply
from haris.node.entropy.supply_toml import read_supply
from haris.nouns.alarms import Alarm
from haris.nouns.errors import ParameterError
from haris.wire.randomness import TRUSTED

SUMMARY = "feed the kernel's pool, or a fifo for rngd, with bits of a source"
DESCRIPTION = (
    "Hand bits of the source of SUPPLY.toml to the kernel (RNDADDENTROPY on /dev/random, as root, credited as entropy) "
    "or to a fifo that rngd reads (rngd --rng-device FIFO). Only tested and hashed bits, never the generator's. "
    "Emulated and recorded samples want --laboratory: others may know them. Until interrupted."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy feed."""
    parser.add_argument("file", metavar="SUPPLY.toml", type=Path, help="the supply; its [listener] is not used")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--kernel", action="store_true", help="the kernel's pool")
    way.add_argument("--fifo", metavar="PATH", type=Path, help="a fifo, made when there is none")
    parser.add_argument("--octets", metavar="N", type=int, default=512, help="of one write (default %(default)s)")
    parser.add_argument("--every-s", metavar="S", type=float, help="between writes (kernel: 10; fifo: 0.01)")
    parser.add_argument(
        "--credit", metavar="BITS", type=float, default=8.0, help="entropy credited for an octet (default %(default)s)"
    )
    parser.add_argument("--laboratory", action="store_true", help="take emulated and recorded samples, too")


def run(args: argparse.Namespace) -> int:
    """Feed until SIGINT or SIGTERM."""
    if not 1 <= args.octets <= 4096:
        raise ParameterError(f"--octets must lie in [1, 4096], got {args.octets}")
    every_s = (10.0 if args.kernel else 0.01) if args.every_s is None else args.every_s
    if not 0.0 <= every_s <= 86400.0:
        raise ParameterError(f"--every-s must lie in [0, 86400], got {every_s}")
    configuration = read_supply(args.file)
    name, stop = configuration.supply.name, threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def tell(alarm: Alarm) -> None:
        print(events.in_words(events.alarm_event(name, alarm)), file=sys.stderr, flush=True)

    supply = open_supply(configuration, tell)
    into = KernelFeed(args.credit) if args.kernel else FifoFeed(args.fifo)
    supply.start()
    try:
        n_fed = feed(
            _taking(supply, args.laboratory), into, args.octets, every_s, stop.is_set, _epoch(supply), stop.wait
        )
    finally:
        supply.close()
        into.close()
    print(f"{n_fed} octets of the source went to {KERNEL if args.kernel else args.fifo}")
    return 0


def _epoch(supply: RandomSupply) -> Callable[[], int]:
    """The pool's, 0 while it is closed."""
    return lambda: 0 if supply.pool.reason else supply.pool.epoch


def _taking(supply: RandomSupply, laboratory: bool) -> Callable[[int], bytes]:
    """Bits of the source, once they are known to be fit for keys."""

    def take(n_octets: int) -> bytes:
        octets = supply.pool.take(n_octets)
        if supply.birth not in TRUSTED and not laboratory:
            raise ParameterError(f"the samples are {supply.birth}: others may know them (--laboratory takes them)")
        return octets

    return take
