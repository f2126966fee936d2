"""haris entropy report: what an evaluator is told of a source, as a web page and for print."""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from haris.cli.main import EXIT_NO_KEY
from haris.node.entropy.bit_stream import BitStream
from haris.node.entropy.dieharder import installed_version, run_test
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import SAMPLES_FILE, RawSamples
from haris.quantum.entropy import dieharder
from haris.quantum.entropy.assessment.non_iid import assess_non_iid
from haris.quantum.entropy.assessment.samples import MOST_BITS, Samples
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.shannon import most_shannon_bits
from haris.quantum.entropy.sources import read_source
from haris.quantum.entropy.sp800_22 import verdict as sp800_22
from haris.quantum.entropy.sp800_22.battery import LEAST_SEQUENCE_BITS, p_values
from haris.report.document import Mark
from haris.report.entropy import Evaluation, HashedFile, at_a_glance, document
from haris.report.printed import printed, require_printer
from haris.report.web_page import web_page

SUMMARY = "a report on a source for an evaluator, as HTML and PDF"
DESCRIPTION = (
    "Source, model, bound with its theorem and epsilon, estimates of SP 800-90B, figures of the raw samples, tests of "
    "the extracted bits, versions and hashes, and what all this does not show. OUTPUT holds extracted bits, eight an "
    "octet; it may be a fifo, or - for standard input, and is read once: first by SP 800-22, then by dieharder, where "
    "that is installed and asked for. Exits with 3 when nothing is certified, the "
    "recording contradicts the bound, or a test rejects; the report is written all the same."
)
LEAST_SAMPLES = 1_000_000
"""SP 800-90B, 3.1.1. So many are assessed, and drawn of the model."""
SEQUENCE_OCTETS = LEAST_SEQUENCE_BITS // 8
SEQUENCES = 1000
MODEL_SEED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy report."""
    parser.add_argument(
        "samples", metavar="SAMPLES", type=Path, help="raw samples: a recording's folder, or a bare file"
    )
    parser.add_argument("--source", metavar="SOURCE.toml", type=Path, required=True, help="what they are samples of")
    parser.add_argument("--out", metavar="REPORT.html", type=Path, required=True, help="the web page that is written")
    parser.add_argument("--pdf", metavar="REPORT.pdf", type=Path, help="the same for print (needs haris[pdf])")
    parser.add_argument("--output", metavar="OUTPUT", help="extracted bits to test: a file, a fifo, or -")
    parser.add_argument(
        "--sequences",
        metavar="N",
        type=int,
        help=f"of a million bits for SP 800-22 (default {SEQUENCES}, or all of a file)",
    )
    parser.add_argument(
        "--dieharder", metavar="G", type=float, help="plan tests of dieharder that need up to G gigaoctets of OUTPUT"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Evaluate, write the report, print its first table."""
    if args.pdf is not None:
        require_printer()
    for path in filter(None, (args.out, args.pdf)):
        if not path.parent.is_dir():
            raise ParameterError(f"{path}: there is no such folder")
    if args.output is None and (args.sequences is not None or args.dieharder is not None):
        raise ParameterError("--sequences and --dieharder are of --output, which is missing")
    evaluation = _evaluation(args)
    report = document(evaluation)
    args.out.write_text(web_page(report), encoding="utf-8")
    if args.pdf is not None:
        args.pdf.write_bytes(printed(report))
    print(json.dumps(_facts(evaluation)) if args.json else _text(evaluation))
    return 0 if evaluation.passed else EXIT_NO_KEY


def _evaluation(args: argparse.Namespace) -> Evaluation:
    entropy = read_source(args.source)
    samples = _samples(args.samples, int(entropy.parameters.bits), float(entropy.parameters.clock_hz))
    bits, stream, read = None, None, list[HashedFile]()
    no_bits = no_stream = "no extracted bits were given"
    if args.output is not None:
        n_sequences = _n_sequences(args)
        planned, no_stream = _plan(args, n_sequences)
        _announce(n_sequences, planned)
        with _opened(args.output) as opened:
            bits = _sequences(opened, n_sequences)
            stream = _stream(opened, planned) if planned else None
            read.append(HashedFile(args.output, "tested bits", opened.octets, opened.sha256))
    _say(f"estimates of SP 800-90B on {LEAST_SAMPLES} samples")
    assessed_bits = min(samples.bits, MOST_BITS)
    low = (samples.values[:LEAST_SAMPLES] & ((1 << assessed_bits) - 1)).astype(np.uint8)
    return Evaluation(
        entropy=entropy,
        certificate=certificate(entropy),
        samples=samples,
        model=entropy.emulate(LEAST_SAMPLES, MODEL_SEED).samples,
        assessment=assess_non_iid(Samples(low, assessed_bits)),
        n_assessed=len(low),
        assessed_bits=assessed_bits,
        shannon_bits=most_shannon_bits(samples),
        bits=bits,
        no_bits=no_bits,
        sequence_bits=LEAST_SEQUENCE_BITS,
        stream=stream,
        no_stream=no_stream,
        files=(_hashed("source", args.source), _hashed("raw samples", _octets_of(args.samples)), *read),
        versions=_versions(),
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


def _samples(path: Path, bits: int, clock_hz: float) -> RawSamples:
    samples = RawSamples.read(path) if path.is_dir() else RawSamples.read_octets(path, bits, clock_hz)
    if samples.bits != bits:
        raise ParameterError(f"{path}: samples of {samples.bits} bits, but the source gives {bits}")
    if len(samples) < LEAST_SAMPLES:
        raise ParameterError(f"{path} holds {len(samples)} samples; SP 800-90B asks for {LEAST_SAMPLES} or more")
    return samples


def _n_sequences(args: argparse.Namespace) -> int:
    """What was asked for; else 1000, or as many as a regular file holds."""
    path = Path(args.output)
    if args.sequences is not None:
        if args.sequences < 1:
            raise ParameterError(f"--sequences must be at least 1, got {args.sequences}")
        return int(args.sequences)
    if args.output == "-" or not path.is_file():
        return SEQUENCES
    whole = path.stat().st_size // SEQUENCE_OCTETS
    if whole < 1:
        raise ParameterError(f"{path} holds fewer than the {LEAST_SEQUENCE_BITS} bits of one sequence")
    return min(whole, SEQUENCES)


def _plan(args: argparse.Namespace, n_sequences: int) -> tuple[tuple[dieharder.Test, ...], str]:
    """The tests of dieharder that are planned, or none for a reason. A file gives what SP 800-22 leaves of it."""
    if args.dieharder is None:
        return (), "it was not asked for"
    planned, path = dieharder.plan(args.dieharder), Path(args.output)
    if installed_version() is None:
        return (), "the program dieharder is not installed"
    if args.output == "-" or not path.is_file():
        return planned, ""
    left = (path.stat().st_size - n_sequences * SEQUENCE_OCTETS) / 1e9
    if left < min(test.megaoctets for test in planned) / 1e3:
        return (), f"{path.name} has {max(left, 0.0):.4f} gigaoctets left for it, which no test can do with"
    return dieharder.plan(min(left, args.dieharder)), ""


def _announce(n_sequences: int, planned: tuple[dieharder.Test, ...]) -> None:
    """State both plans with their thresholds before a bit is read."""
    plans = [(f"SP 800-22 on {n_sequences} sequences", sp800_22.n_hypotheses(n_sequences), sp800_22.FALSE_REJECTION)]
    if planned:
        n_p_values = sum(test.n_p_values for test in planned)
        plans.append((f"{len(planned)} tests of dieharder", n_p_values, dieharder.FALSE_REJECTION))
    for what, n, error in plans:
        print(
            f"planned: {what}: {n} hypotheses, each rejected below {error / n:.3g}, {error:g} in all", file=sys.stderr
        )


@contextmanager
def _opened(output: str) -> Iterator[BitStream]:
    if output == "-":
        yield BitStream(sys.stdin.buffer)
        return
    with Path(output).open("rb") as file:
        yield BitStream(file)


def _sequences(opened: BitStream, n_sequences: int) -> sp800_22.Verdict:
    found = []
    for i in range(n_sequences):
        octets = opened.read(SEQUENCE_OCTETS)
        if len(octets) < SEQUENCE_OCTETS:
            raise ParameterError(
                f"OUTPUT ended within sequence {i + 1} of {n_sequences}: {opened.octets} octets were read"
            )
        found.append(p_values(np.unpackbits(np.frombuffer(octets, np.uint8))))
        if i % 50 == 0:
            _say(f"SP 800-22: sequence {i + 1} of {n_sequences}")
    return sp800_22.judge(np.array(found))


def _stream(opened: BitStream, planned: tuple[dieharder.Test, ...]) -> dieharder.Verdict:
    results = []
    for test in planned:
        _say(f"dieharder: {test.title}, {test.megaoctets:g} megaoctets")
        results.append(run_test(test, opened.read))
    return dieharder.Verdict(dieharder.FALSE_REJECTION, tuple(results), dieharder.not_planned(planned))


def _octets_of(samples: Path) -> Path:
    return samples / SAMPLES_FILE if samples.is_dir() else samples


def _hashed(part: str, path: Path) -> HashedFile:
    with path.open("rb") as file:
        return HashedFile(path.name, part, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _versions() -> tuple[tuple[str, str], ...]:
    return (
        *((name, version(name)) for name in ("haris", "numpy", "scipy", "matplotlib")),
        ("python", platform.python_version()),
        ("machine", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("dieharder", installed_version() or "not installed"),
        ("NIST SP 800-90B", "January 2018"),
        ("NIST SP 800-22", "revision 1a, April 2010"),
    )


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(what, file=sys.stderr)


def _text(evaluation: Evaluation) -> str:
    lines = []
    for row in at_a_glance(evaluation).rows:
        name, state, words = (cell.text if isinstance(cell, Mark) else cell for cell in row)
        lines.append(f"{name:16}{state:14}{words}")
    return "\n".join(lines)


def _facts(evaluation: Evaluation) -> dict[str, Any]:
    found, bits, stream = evaluation.certificate, evaluation.bits, evaluation.stream
    return {
        "passed": evaluation.passed,
        "certified_bits_hz": found.certified_bits_hz,
        "epsilon": found.epsilon,
        "epsilon_year": found.epsilon_year,
        "min_entropy_per_sample": found.randomness.min_entropy_per_sample,
        "sp800_90b_min_entropy": evaluation.assessment.min_entropy,
        "shannon_bits_per_sample": evaluation.shannon_bits,
        "sp800_22": None
        if bits is None
        else {
            "passed": bits.passed,
            "n_sequences": bits.n_sequences,
            "n_hypotheses": bits.n_hypotheses,
            "false_rejection": bits.false_rejection,
            "threshold": bits.threshold,
            "rejected": [f"{row.test} {row.variant}".strip() for row in bits.rejected],
            "least_p_value": min(min(row.p_values) for row in bits.rows),
        },
        "dieharder": None
        if stream is None
        else {
            "passed": stream.passed,
            "n_hypotheses": stream.n_hypotheses,
            "false_rejection": stream.false_rejection,
            "threshold": stream.threshold,
            "p_values": {result.test.title: result.p_values for result in stream.results},
            "failed": {result.test.title: result.failure for result in stream.failed},
            "not_run": dict(stream.left_out),
        },
        "sha256": {file.part: file.sha256 for file in evaluation.files},
    }
