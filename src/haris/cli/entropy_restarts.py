"""haris entropy restarts: whether a source is worth as much each time that it is started anew."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.assessment.restart import SIDE, assess_restarts, iid_min_entropy, non_iid_min_entropy

SUMMARY = "restart tests of NIST SP 800-90B"
DESCRIPTION = (
    f"Restart tests of NIST SP 800-90B, 3.1.4. FILE holds {SIDE} samples after each of {SIDE} restarts, an octet a "
    "sample, restart by restart. Exit code 1 if the source does not pass: it is credited with nothing then."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy restarts."""
    parser.add_argument("file", metavar="FILE", type=Path, help=f"{SIDE} x {SIDE} raw samples, an octet each")
    parser.add_argument("--bits", metavar="B", type=int, required=True, help="bits of a sample, 1 to 8")
    parser.add_argument(
        "--min-entropy", metavar="H", type=float, required=True, help="bits a sample, as a long recording was assessed"
    )
    parser.add_argument("--iid", action="store_true", help="the track of independent, identically distributed samples")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print what the source is credited with."""
    if not 1 <= args.bits <= 8:
        raise ParameterError(f"--bits must lie in [1, 8], got {args.bits}")
    if args.file.is_fifo() or args.file.is_char_device():
        raise ParameterError(f"{args.file} is no file: record the samples of {SIDE} restarts in one first")
    values = np.asarray(RawSamples.read_octets(args.file, args.bits).values, np.uint8)
    if len(values) != SIDE * SIDE:
        raise ParameterError(f"{args.file} holds {len(values)} samples; restart tests take {SIDE} x {SIDE}")
    track = iid_min_entropy if args.iid else non_iid_min_entropy
    found = assess_restarts(values.reshape(SIDE, SIDE), args.bits, args.min_entropy, track)
    if args.json:
        print(json.dumps(asdict(found)))
    else:
        print(f"commonest sample of a row or column: {found.x_max} times, at most {found.x_cutoff} are ordinary")
        print(f"rows {found.h_rows:.6f}, columns {found.h_columns:.6f} bits a sample; before {args.min_entropy:.6f}")
        verdict = "passed" if found.passed else "FAILED"
        print(f"restart tests {verdict}: min-entropy {found.min_entropy:.6f} bits a sample of {args.bits}")
    return 0 if found.passed else 1
