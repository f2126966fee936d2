"""haris coincidences: two recordings of time tags to sifted bits, and how much key they hold."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from haris.node.distil.pairs import distil_pairs
from haris.nouns.errors import ParameterError
from haris.nouns.time_tags import TimeTags
from haris.quantum.distill.clock_search import SearchRange
from haris.quantum.distill.coincidences import sift
from haris.quantum.distill.paired_block import pair_recordings
from haris.quantum.link import Link
from haris.quantum.security.entangled_bounds import entangled_key_length
from haris.quantum.security.key_length import Security
from haris.report.coincidences import distilled_figures, figures, text
from haris.wire.time_tags import read_qutag, read_s_fifteen

DESCRIPTION = (
    "Find the photon pairs in the recordings of two sites whose clocks are not synchronised: offset and drift of the "
    "clocks, coincidences, QBER and visibility, and the length of the key."
)
EXAMPLE = "haris coincidences alice.bin bob.bin --format qutag --detectors 1,2,3,4 --bob-detectors 2,1,4,3"
EXIT_NO_KEY = 3

FORMATS = ("s-fifteen", "s-fifteen-swapped", "qutag")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("alice", metavar="ALICE", type=Path, help="Alice's recording of time tags")
    parser.add_argument("bob", metavar="BOB", type=Path, help="Bob's")
    parser.add_argument(
        "--format", choices=FORMATS, required=True, help="of both: readevents -a1, the same with -X, or quTAG's binary"
    )
    parser.add_argument("--bob-format", choices=FORMATS, help="of Bob's, where it differs")
    parser.add_argument(
        "--detectors",
        metavar="A,B,C,D",
        default="1,2,3,4",
        help="inputs of bit 0 and bit 1 of the key basis, then of the test basis (default: 1,2,3,4)",
    )
    parser.add_argument("--bob-detectors", metavar="A,B,C,D", help="at Bob's (default: as at Alice's)")
    parser.add_argument(
        "--window-ps", metavar="PS", type=int, help="coincidence window (default: six times the jitter)"
    )
    parser.add_argument(
        "--offset",
        metavar="SECONDS",
        type=float,
        help="Bob's clock less Alice's, about (default: both recordings began at once)",
    )
    parser.add_argument(
        "--reach", metavar="SECONDS", type=float, default=8.0, help="how far off it may be (default: 8)"
    )
    parser.add_argument(
        "--frequency-error", metavar="RATIO", type=float, default=1e-6, help="of the clocks, at most (default: 1e-6)"
    )
    parser.add_argument("--link", metavar="LINK.toml", type=Path, help="a link of bbm92 whose [security] holds")
    parser.add_argument("--distil", action="store_true", help="reconcile and amplify, too, at two ends in this process")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def run(args: argparse.Namespace) -> int:
    """Pair and report; 3 when no key is left."""
    security = Security() if args.link is None else Link.read(args.link).security
    alice = _read(args.alice, args.format, args.detectors)
    bob = _read(args.bob, args.bob_format or args.format, args.bob_detectors or args.detectors)
    block = pair_recordings(alice, bob, _range(args, alice, bob), os.urandom, args.window_ps)
    pairs = sift(block.alice, block.bob, block.found, block.n_windows)
    key = entangled_key_length(pairs.counts, security)
    told = figures(block, pairs, key, security)
    secret_bits = told["secret_bits"]
    if args.distil:
        told["distilled"] = distilled_figures(*distil_pairs(block, security))
        secret_bits = told["distilled"]["secret_bits"]
    print(json.dumps(told) if args.json else text(told))
    return 0 if secret_bits else EXIT_NO_KEY


def _read(path: Path, form: str, detectors: str) -> TimeTags:
    try:
        inputs = tuple(int(number) for number in detectors.split(","))
    except ValueError:
        raise ParameterError(f"detectors are four numbers such as 1,2,3,4, got {detectors!r}") from None
    octets = path.read_bytes()
    try:
        if form == "qutag":
            return read_qutag(octets, inputs)
        return read_s_fifteen(octets, inputs, swapped=form == "s-fifteen-swapped")
    except ParameterError as error:
        raise ParameterError(f"{path}: {error}") from None


def _range(args: argparse.Namespace, alice: TimeTags, bob: TimeTags) -> SearchRange:
    for path, tags in ((args.alice, alice), (args.bob, bob)):
        if not tags.time_ps.size:
            raise ParameterError(f"{path}: none of these detectors clicked")
    starts = int(bob.time_ps[0]) - int(alice.time_ps[0])
    offset_ps = starts if args.offset is None else round(args.offset * 1e12)
    return SearchRange(offset_ps, round(args.reach * 1e12), args.frequency_error)
