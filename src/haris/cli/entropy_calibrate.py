"""haris entropy calibrate: a vacuum source's parameters from two recordings."""

from __future__ import annotations

import argparse
from pathlib import Path

from haris.nouns.document_text import document_text, fields_of
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.vacuum import VACUUM
from haris.quantum.entropy.vacuum_calibration import calibrate

SUMMARY = "a vacuum source's SOURCE.toml from recordings with the local oscillator on and off"
DESCRIPTION = (
    "Prints the [source] of a vacuum source whose raw samples were recorded twice, with the local oscillator on and "
    "off: noise, offset, and the autocorrelation as far as it is significant. Each recording is a folder with "
    "samples.bin and recording.toml. Its excess noise is not seen in them: state excess_share yourself."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy calibrate."""
    parser.add_argument("on", metavar="ON", type=Path, help="a recording with the local oscillator on")
    parser.add_argument("off", metavar="OFF", type=Path, help="one with it off, by the same converter")
    parser.add_argument(
        "--range", metavar="V", type=float, required=True, help="the converter takes voltages from -V to V"
    )
    parser.add_argument("--dnl", metavar="LSB", type=float, default=0.0, help="its differential nonlinearity")


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    found = calibrate(RawSamples.read(args.on), RawSamples.read(args.off), args.range, args.dnl)
    fields = {key: value for key, value in fields_of(found).items() if value != ()}
    print(document_text({"source": {"name": VACUUM.name, **fields}}), end="")
    return 0
