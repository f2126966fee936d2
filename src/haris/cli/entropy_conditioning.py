"""haris entropy conditioning: the min-entropy that is left after a conditioning component."""

from __future__ import annotations

import argparse
import json

from haris.quantum.entropy.assessment.conditioning import non_vetted_output_entropy, vetted_output_entropy

SUMMARY = "min-entropy after a conditioning component, by NIST SP 800-90B"
DESCRIPTION = (
    "Min-entropy in the output of a conditioning component, by NIST SP 800-90B, 3.1.5. Without --h-output the "
    "component is one that the standard vets (3.1.5.1.1: HMAC, CMAC, CBC-MAC, hashes and derivation functions)."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy conditioning."""
    parser.add_argument("--n-in", metavar="BITS", type=int, required=True, help="that go in")
    parser.add_argument("--n-out", metavar="BITS", type=int, required=True, help="that come out")
    parser.add_argument("--n-inner", metavar="BITS", type=int, required=True, help="the narrowest width within (nw)")
    parser.add_argument("--h-in", metavar="H", type=float, required=True, help="bits of min-entropy in the input")
    parser.add_argument(
        "--h-output",
        metavar="H",
        type=float,
        help="of a component that is not vetted: assessed min-entropy of a bit of its output",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the bits of min-entropy in the output."""
    widths = (args.n_in, args.n_out, args.n_inner, args.h_in)
    if args.h_output is None:
        h_out = vetted_output_entropy(*widths)
    else:
        h_out = non_vetted_output_entropy(*widths, args.h_output)
    vetted = args.h_output is None
    if args.json:
        print(json.dumps({"h_out": h_out, "n_out": args.n_out, "vetted": vetted}))
    else:
        kind = "vetted" if vetted else "not vetted"
        print(f"min-entropy after the component ({kind}): {h_out:.6f} of {args.n_out} bits")
    return 0
