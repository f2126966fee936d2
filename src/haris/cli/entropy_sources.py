"""haris entropy sources: the sources of random numbers, and what one of them comes to."""

from __future__ import annotations

import argparse
import dataclasses
import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.cli.main import EXIT_NO_KEY
from haris.nouns.keys import Proof
from haris.quantum.entropy.certificate import Certificate, certificate
from haris.quantum.entropy.source import EntropySource, Source
from haris.quantum.entropy.sources import SOURCES, read_source

SUMMARY = "the sources that there are; of one, its bound and its certified bits a second"
DESCRIPTION = (
    "Without a file: every kind of source with what its bound assumes. With SOURCE.toml: the terms of its bound, "
    "certified bits of a block and a second, the epsilon of a block and its sum over a year. Exits with 3 when "
    "nothing is certified."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy sources."""
    parser.add_argument(
        "file", metavar="SOURCE.toml", type=Path, nargs="?", help="a source, such as examples/entropy/*"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print all sources, or one with its bound."""
    if args.file is None:
        kinds = SOURCES.values()
        print(json.dumps({kind.name: _kind(kind) for kind in kinds}) if args.json else "\n\n".join(map(_words, kinds)))
        return 0
    entropy = read_source(args.file)
    found = certificate(entropy)
    print(json.dumps(_report(entropy, found)) if args.json else _text(entropy, found))
    return 0 if found.certified_bits_hz > 0.0 else EXIT_NO_KEY


def _kind(kind: Source) -> dict[str, Any]:
    return {
        "title": kind.title,
        "proof": dataclasses.asdict(kind.proof),
        "parameters": [field.name for field in dataclasses.fields(kind.parameters)],
    }


def _words(kind: Source) -> str:
    lines = [f"{kind.name}: {kind.title}", *_proof(kind.proof)]
    fields = ", ".join(field.name for field in dataclasses.fields(kind.parameters))
    return "\n".join(lines + textwrap.wrap(f"[source] {fields}", 110, initial_indent="  ", subsequent_indent="    "))


def _proof(proof: Proof) -> list[str]:
    """Lines of a proof, indented."""
    lines = []
    for words in (f"by {proof.theorem}", f"against {proof.attacks}", *(f"assumes {a}" for a in proof.assumptions)):
        lines += textwrap.wrap(words, 110, initial_indent="  ", subsequent_indent="    ")
    return lines


def _report(entropy: EntropySource, found: Certificate) -> dict[str, Any]:
    randomness = found.randomness
    return {
        "source": entropy.source.name,
        "n_samples": randomness.n_samples,
        "bits": int(entropy.parameters.bits),
        "clock_hz": float(entropy.parameters.clock_hz),
        "min_entropy_bits": randomness.min_entropy_bits,
        "min_entropy_per_sample": randomness.min_entropy_per_sample,
        "raw_bits": found.raw_bits,
        "allowed_bits": found.allowed_bits,
        "out_bits": found.out_bits,
        "spent_bits": randomness.spent_bits,
        "certified_bits_hz": found.certified_bits_hz,
        "epsilon": found.epsilon,
        "epsilon_year": found.epsilon_year,
        "terms": {t.name: {"value": _finite(t.value), "unit": t.unit, "meaning": t.meaning} for t in randomness.terms},
        "proof": dataclasses.asdict(randomness.proof),
    }


def _finite(value: NDArray[np.float64]) -> Any:
    """A term's numbers for JSON, which has no infinity: null."""
    return [_finite(part) for part in value] if value.ndim else float(value) if np.isfinite(value) else None


def _text(entropy: EntropySource, found: Certificate) -> str:
    randomness, parameters = found.randomness, entropy.parameters
    lines = [f"{entropy.source.name}: {entropy.source.title}", *_proof(randomness.proof), ""]
    for t in randomness.terms:
        value = (
            f"{float(t.value):.6g} {t.unit}".strip()
            if t.value.ndim == 0
            else " ".join(f"{v:.4g}" for v in t.value.flat)
        )
        lines.append(f"{t.name:32}{value:20}{t.meaning}".rstrip())
    spent = f", of which the source had used up {randomness.spent_bits:.6g}" if randomness.spent_bits else ""
    lines += [
        "",
        f"a block: {randomness.n_samples} samples of {parameters.bits} bits, at {parameters.clock_hz:.6g} samples/s",
        f"min-entropy: {randomness.min_entropy_per_sample:.6f} a sample, {randomness.min_entropy_bits:.6g} a block",
        f"certified: {found.out_bits} bits a block of {found.raw_bits} ({found.allowed_bits} allowed){spent}",
        f"rate: {found.certified_bits_hz:.6g} certified bits a second",
        f"epsilon: {found.epsilon:.3g} a block, {found.epsilon_year:.3g} a year",
    ]
    return "\n".join(lines)
