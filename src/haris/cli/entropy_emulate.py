"""haris entropy emulate: raw samples as a source would give them."""

from __future__ import annotations

import argparse
from pathlib import Path

from haris.node.entropy.emulated_stream import write_stream
from haris.nouns.errors import ParameterError
from haris.quantum.entropy.faulty_emission import DETECTOR_FAULTS, FAULTS, emulate_fault
from haris.quantum.entropy.round_forms import ROUND_FORMS
from haris.quantum.entropy.source import EntropySource
from haris.quantum.entropy.sources import read_source

SUMMARY = "emulated raw samples of a source"
DESCRIPTION = (
    "Raw samples by the model of a SOURCE.toml, in a new folder: samples.bin (an octet a sample, or two, low first, "
    "for more than 8 bits) and recording.toml. They are for tests of what comes after: their seed is in your command. "
    "--record keeps the rounds of a source that is checked: settings.bin beside them says how each was set. --stream "
    "writes what a device sends into a file, fifo or device: samples, or records of rounds; --orders reads the "
    "settings that a supply chooses for them. Of a detector under control it is told what the checks certify of the "
    "samples, taken for one block."
)
MOST_SAMPLES = 2**30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy emulate."""
    parser.add_argument("file", metavar="SOURCE.toml", type=Path, help="the source")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the samples go; must not be there")
    parser.add_argument(
        "--samples", metavar="N", type=int, required=True, help="how many; of --record, --stream: rounds"
    )
    parser.add_argument("--seed", metavar="S", type=int, default=1, help="of the samples (default %(default)s)")
    parser.add_argument("--fault", metavar="NAME", choices=FAULTS, help=f"one of {', '.join(FAULTS)}")
    parser.add_argument("--fault-from", metavar="N", type=int, help="sample with which it begins (default: the middle)")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--record", action="store_true", help="rounds with their settings, of a source that is checked")
    way.add_argument("--stream", action="store_true", help="FOLDER is a path that is written as a device would")
    parser.add_argument("--orders", metavar="PATH", type=Path, help="with --stream: where orders of settings come from")


def run(args: argparse.Namespace) -> int:
    """Write the folder."""
    entropy = read_source(args.file)
    if not 1 <= args.samples <= MOST_SAMPLES:
        raise ParameterError(f"--samples must lie in [1, 2^30], got {args.samples}")
    if args.seed < 0:
        raise ParameterError(f"--seed must not be negative, got {args.seed}")
    if args.fault is None and args.fault_from is not None:
        raise ParameterError("--fault-from needs --fault")
    if args.orders is not None and not args.stream:
        raise ParameterError("--orders needs --stream")
    if args.record or args.stream:
        if args.fault is not None:
            raise ParameterError("--fault is of samples alone: leave --record and --stream out")
        print(_rounds(entropy, args))
        return 0
    first = args.samples // 2 if args.fault_from is None else args.fault_from
    emission = (
        entropy.emulate(args.samples, args.seed)
        if args.fault is None
        else emulate_fault(entropy, args.samples, args.seed, args.fault, first)
    )
    samples = emission.samples
    samples.write(args.folder)
    print(f"{len(samples)} samples of {samples.bits} bits of an emulated {entropy.source.name} source in {args.folder}")
    if args.fault is not None:
        print(f"{args.fault} from sample {first} on")
    if args.fault in DETECTOR_FAULTS:
        epsilon = entropy.extraction.epsilon / 2.0
        block = entropy.source.randomness(entropy.parameters, len(samples), epsilon, emission.checks)
        print(f"as one block the checks certify {block.min_entropy_bits:.0f} bits")
    return 0


def _rounds(entropy: EntropySource, args: argparse.Namespace) -> str:
    """Write a recording of rounds, or what a device sends; returns what was done."""
    form = ROUND_FORMS.get(entropy.source.name)
    if args.stream:
        n = write_stream(entropy, args.folder, args.samples, args.seed, args.orders)
    elif form is None:
        raise ParameterError(f"--record is of a source that is checked: {entropy.source.name} has no settings")
    else:
        rounds = form.emulate(entropy.parameters, args.samples, args.seed)
        rounds.write(args.folder, form.source)
        n = len(rounds)
    return f"{n} {'rounds' if form else 'samples'} of an emulated {entropy.source.name} source in {args.folder}"
