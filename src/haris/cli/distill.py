"""haris distill: stored or live light to final keys, at both ends, and where the time goes."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from haris.node.distil.folder import open_folder
from haris.node.distil.halves import origin_of
from haris.node.distil.light import emulated
from haris.node.distil.run import Result, Source
from haris.node.distil.run import run as distil
from haris.node.system.secret_file import write_secret_file
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin
from haris.quantum.link import Link
from haris.report.distillation import figures, pedigree, table
from haris.wire.pedigree import write_pedigree

DESCRIPTION = (
    "Distil a recording, or a link that is emulated meanwhile, into final keys: two processes that share messages "
    "only, with blocks that overlap. A recording is a folder of link.toml and either both halves as `haris light "
    "--record` writes them, or a laboratory's raw-key files alice.*, intensity.* and bob.*."
)
EXAMPLE = "haris distill --link examples/links/metro_25km.toml --blocks 2 --json"
EXIT_NO_KEY = 3
KEYS_FILE = "keys.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("folder", metavar="RECORDING_FOLDER", nargs="?", type=Path, help="a recording to distil")
    parser.add_argument("--link", metavar="LINK.toml", type=Path, help="a link to emulate and distil instead")
    parser.add_argument("--blocks", metavar="N", type=int, default=1, help="blocks of light with --link (default: 1)")
    parser.add_argument("--seed", help="any text: the same light again with --link (by default fresh randomness)")
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        help="keep the keys: alice.key, bob.key (for their owner only) and keys.json (default: they are forgotten)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")


def run(args: argparse.Namespace) -> int:
    """Distil and report; 3 when no block gave a key."""
    if (args.folder is None) == (args.link is None):
        raise ParameterError("give a RECORDING_FOLDER or --link LINK.toml, one of the two")
    if args.blocks < 1:
        raise ParameterError(f"--blocks is at least 1, got {args.blocks}")
    source = _recorded(args.folder) if args.link is None else _live(args.link, args.blocks, args.seed)
    if args.out is not None and (args.out / KEYS_FILE).exists():
        raise ParameterError(f"{args.out / KEYS_FILE}: exists already")
    with _progress(None if args.link is None else args.blocks, hidden=args.json) as told:
        result = distil(source, args.out, told)
    if args.out is not None and result.kept:
        _write_keys(args.out, source, result)
    print(json.dumps(figures(source, result)) if args.json else table(source, result))
    return 0 if result.kept else EXIT_NO_KEY


def _recorded(folder: Path) -> Source:
    found = open_folder(folder)
    return Source(found.link, origin_of(found.header), found.paths, raw=found.header is None)


def _live(path: Path, n_blocks: int, seed: str | None) -> Source:
    link = Link.read_live(path)
    octets = os.urandom(32) if seed is None else hashlib.sha256(seed.encode()).digest()
    return Source(link, Origin.EMULATED, light=emulated(link, n_blocks, octets))


def _write_keys(out: Path, source: Source, result: Result) -> None:
    """keys.json: which octets of both files are the key of which block, and what may be said of it."""
    offset, keys = 0, []
    for outcome in result.kept:
        n_octets = outcome.secret_bits // 8
        told = write_pedigree(pedigree(source, outcome.octets))
        keys.append({"block": outcome.number, "offset_octets": offset, "size_octets": n_octets, **told})
        offset += n_octets
    write_secret_file(out / KEYS_FILE, (json.dumps({"keys": keys}, indent=2) + "\n").encode())


@contextmanager
def _progress(n_blocks: int | None, hidden: bool) -> Iterator[Callable[[Result], None]]:
    """A bar on the terminal; nothing where there is none."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=hidden or not console.is_terminal) as bar:
        task = bar.add_task("distilling", total=n_blocks)

        def told(result: Result) -> None:
            rate = result.secret_bits / result.elapsed_s / 1e6
            bar.update(task, completed=result.n_blocks, description=f"{len(result.kept)} keys, {rate:.3g} Mbit/s")

        yield told
