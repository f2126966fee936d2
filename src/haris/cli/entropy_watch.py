"""haris entropy watch: a supply of random numbers at work, in the terminal."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from haris.node.entropy.client import SupplyClient
from haris.node.entropy.opening import open_supply
from haris.node.entropy.supply_toml import read_supply
from haris.node.pki.credentials import client_context
from haris.nouns.errors import KeyUnavailable, ParameterError
from haris.wire.randomness import SupplyStatus, write_status

SUMMARY = "rates, histogram and health of a supply, live"
DESCRIPTION = (
    "Of https://HOST:PORT, a supply that runs (haris entropy serve): ask it for its status. Of SUPPLY.toml: run its "
    "device here, and give its bits to nobody. Until interrupted, or for --seconds."
)
_COLUMNS, _ROWS = 64, 8
_BARS = " ▁▂▃▄▅▆▇█"
_STYLES = {"healthy": "bold green", "starting": "bold yellow", "failed": "bold red"}

Ask = Callable[[], SupplyStatus]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy watch."""
    parser.add_argument("what", metavar="SUPPLY.toml|URL", help="a supply's configuration, or where one runs")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="URL: our certificate")
    parser.add_argument("--key", type=Path, metavar="FILE", help="URL: its private key")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="URL: the supply's authority")
    parser.add_argument("--every-s", metavar="S", type=float, default=0.5, help="between looks (default %(default)s)")
    parser.add_argument("--seconds", metavar="S", type=float, help="end after so long")
    parser.add_argument("--json", action="store_true", help="one JSON object a look")


def run(args: argparse.Namespace) -> int:
    """Watch."""
    if not 0.01 <= args.every_s <= 3600.0:
        raise ParameterError(f"--every-s must lie in [0.01, 3600], got {args.every_s}")
    ends_s = float("inf") if args.seconds is None else time.monotonic() + args.seconds
    console = Console(highlight=False)
    with _asking(args) as ask, contextlib.ExitStack() as shown:
        before = ask()
        live = None if args.json else shown.enter_context(Live(console=console, auto_refresh=False))
        while True:
            time.sleep(min(args.every_s, max(0.0, ends_s - time.monotonic())))
            now = ask()
            if live is None:
                print(write_status(now).decode(), flush=True)
            else:
                live.update(screen(now, before), refresh=True)
            if time.monotonic() >= ends_s:
                return 0
            before = now


@contextlib.contextmanager
def _asking(args: argparse.Namespace) -> Iterator[Ask]:
    if args.what.startswith("https://"):
        if args.cert is None or args.key is None or args.ca is None:
            raise ParameterError("a supply at a URL is asked with --cert, --key and --ca")
        client = SupplyClient(args.what, client_context(args.cert, args.key, args.ca, datetime.now(UTC)))
        with contextlib.closing(client):
            yield client.status
        return
    supply = open_supply(read_supply(args.what), lambda alarm: None)  # the status says it, too
    supply.start()

    def ask() -> SupplyStatus:
        status = supply.status()
        with contextlib.suppress(KeyUnavailable):
            supply.pool.take(supply.pool.n_ready)  # nobody gets them
        return status

    with contextlib.closing(supply):
        yield ask


def screen(now: SupplyStatus, before: SupplyStatus) -> RenderableType:
    """What is shown of a status; before: the one that rates are counted from."""
    elapsed_s = max(1e-9, now.time_s - before.time_s)
    rows = Table.grid(padding=(0, 2))
    rows.add_row("state", Text(f"{now.state} {now.reason}".rstrip(), style=_STYLES[now.state]))
    rows.add_row("device", f"{now.device} ({now.birth})")
    rows.add_row("source", f"{now.source}, {now.bits_a_sample:.3f} certified bits a raw sample")
    rows.add_row("raw samples", f"{_rate(now.n_samples - before.n_samples, elapsed_s, 'S/s')}, {now.n_samples} so far")
    if now.n_waiting:
        share = now.n_waiting / max(1, now.frame_samples)
        rows.add_row("frame", f"{share:.0%} of {now.frame_samples} samples: bits are certified of whole frames")
    rows.add_row("certified", _rate(8 * (now.n_octets - before.n_octets), elapsed_s, "bit/s"))
    rows.add_row("given", _rate(8 * (now.n_given - before.n_given), elapsed_s, "bit/s"))
    rows.add_row("generator", _rate(8 * (now.n_drbg - before.n_drbg), elapsed_s, "bit/s"))
    rows.add_row("pool", f"{now.pool_octets} of {now.pool_limit} octets")
    rows.add_row("blocks", f"{now.n_blocks}, epsilon {now.epsilon:.2g} each, {now.epsilon * now.n_blocks:.2g} together")
    rows.add_row("failures", f"{now.n_failures}, {now.n_rejected} samples rejected, those of start-ups included")
    return Group(rows, Text(), Text("\n".join(bars(now.histogram))), Text("codes of the newest samples", style="dim"))


def bars(counts: tuple[int, ...]) -> list[str]:
    """A histogram as lines of text, highest first."""
    wide = max(1, -(-len(counts) // _COLUMNS))
    sums = [sum(counts[first : first + wide]) for first in range(0, len(counts), wide)]
    heights = [round(8 * _ROWS * count / max(1, *sums)) for count in sums] if sums else []
    return ["".join(_BARS[min(8, max(0, h - 8 * row))] for h in heights) for row in reversed(range(_ROWS))]


def _rate(count: int, elapsed_s: float, unit: str) -> str:
    rate = count / elapsed_s
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= size:
            return f"{rate / size:.2f} {prefix}{unit}"
    return f"{rate:.0f} {unit}"
