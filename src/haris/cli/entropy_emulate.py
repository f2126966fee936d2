"""haris entropy emulate: raw samples as a source would give them."""

from __future__ import annotations

import argparse
from pathlib import Path

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.sources import read_source

SUMMARY = "emulated raw samples of a source"
DESCRIPTION = (
    "Raw samples by the model of a SOURCE.toml, in a new folder: samples.bin (an octet a sample, or two, low first, "
    "for more than 8 bits) and recording.toml. They are for tests of what comes after: their seed is in your command."
)
MOST_SAMPLES = 2**30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy emulate."""
    parser.add_argument("file", metavar="SOURCE.toml", type=Path, help="the source")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the samples go; must not be there")
    parser.add_argument("--samples", metavar="N", type=int, required=True, help="how many")
    parser.add_argument("--seed", metavar="S", type=int, default=1, help="of the samples (default %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write the folder."""
    entropy = read_source(args.file)
    if not 1 <= args.samples <= MOST_SAMPLES:
        raise ParameterError(f"--samples must lie in [1, 2^30], got {args.samples}")
    if args.seed < 0:
        raise ParameterError(f"--seed must not be negative, got {args.seed}")
    samples = entropy.emulate(args.samples, args.seed).samples
    samples.write(args.folder)
    print(f"{len(samples)} samples of {samples.bits} bits of an emulated {entropy.source.name} source in {args.folder}")
    return 0
