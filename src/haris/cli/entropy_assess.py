"""haris entropy assess: the min-entropy of recorded samples by NIST SP 800-90B."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.assessment.estimate import Estimate
from haris.quantum.entropy.assessment.iid import IidAssessment, assess_iid
from haris.quantum.entropy.assessment.non_iid import Assessment, assess_non_iid
from haris.quantum.entropy.assessment.permutation import STATISTICS
from haris.quantum.entropy.assessment.samples import Samples

SUMMARY = "min-entropy of recorded samples by NIST SP 800-90B"
DESCRIPTION = (
    "Min-entropy of raw samples by the ten estimators of NIST SP 800-90B (non-IID track), on the samples and on their "
    "bits, as NIST's own tool gives it with -i -a. FILE holds an octet a sample. Fewer than 1,000,000 samples, a "
    "sample that does not fit the bits, or samples that are all equal are refused (exit 2). With "
    "--iid: the most common value, and the tests whether the samples are independent and identically distributed."
)
LEAST_SAMPLES = 1_000_000
"""SP 800-90B, 3.1.1."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy assess."""
    parser.add_argument("file", metavar="FILE", type=Path, help="raw samples, an octet each")
    parser.add_argument("--bits", metavar="B", type=int, required=True, help="bits of a sample, 1 to 8")
    parser.add_argument("--iid", action="store_true", help="the track of independent, identically distributed samples")
    parser.add_argument("--seed", type=int, default=1, help="of the permutation tests of --iid (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the assessment."""
    if args.file.is_fifo() or args.file.is_char_device():
        raise ParameterError(f"{args.file} is no file: record its samples in one first")
    values = np.fromfile(args.file, np.uint8)
    if len(values) < LEAST_SAMPLES:
        raise ParameterError(f"{args.file} holds {len(values)} samples; SP 800-90B asks for {LEAST_SAMPLES} or more")
    samples = Samples(values, args.bits)
    if args.seed < 0:
        raise ParameterError(f"--seed must not be negative, got {args.seed}")
    assessment = assess_iid(samples, args.seed) if args.iid else assess_non_iid(samples)
    print(json.dumps(_report(samples, assessment)) if args.json else _text(samples, assessment))
    return 0


def _report(samples: Samples, assessment: Assessment | IidAssessment) -> dict[str, Any]:
    return {
        "min_entropy": assessment.min_entropy,
        "h_original": assessment.h_original,
        "h_bitstring": assessment.h_bitstring,
        "track": "iid" if isinstance(assessment, IidAssessment) else "non-iid",
        "n_samples": len(samples.values),
        "bits": samples.bits,
        "n_symbols": len(samples.alphabet),
        "estimators": {
            name: {
                kind: {"min_entropy": estimates[name].min_entropy, **estimates[name].figures}
                for kind, estimates in (("bitstring", assessment.bitstring), ("literal", assessment.literal))
                if name in estimates
            }
            for name in {**assessment.bitstring, **assessment.literal}
        },
        **(_tests(assessment) if isinstance(assessment, IidAssessment) else {}),
    }


def _tests(assessment: IidAssessment) -> dict[str, Any]:
    """The tests of the IID track by name, and whether all are passed."""
    repeat, shuffled = assessment.longest_repeat, assessment.permutations
    return {
        "passed": assessment.passed,
        "tests": {
            **{
                name: {"score": test.score, "degrees": test.degrees, "p_value": test.p_value, "passed": test.passed}
                for name, test in (
                    ("Chi-square independence", assessment.chi_square_independence),
                    ("Chi-square goodness of fit", assessment.chi_square_goodness_of_fit),
                )
            },
            "Length of the LRS": {
                "p_col": repeat.p_col,
                "length": repeat.length,
                "p_value": repeat.p_value,
                "passed": repeat.passed,
            },
            "Permutation": {
                "passed": shuffled.passed,
                "statistics": {
                    name: {"value": float(value), "counts": counts.tolist()}
                    for name, value, counts in zip(STATISTICS, shuffled.statistics, shuffled.counts, strict=True)
                },
            },
        },
    }


def _text(samples: Samples, assessment: Assessment | IidAssessment) -> str:
    lines = [
        f"{len(samples.values)} samples of {samples.bits} bits, {len(samples.alphabet)} distinct",
        "",
        f"{'min-entropy by the':36}{'a bit':>10}{'a sample':>10}",
    ]
    for name in {**assessment.bitstring, **assessment.literal}:
        lines.append(f"{name:36}{_cell(assessment.bitstring, name)}{_cell(assessment.literal, name)}")
    if isinstance(assessment, IidAssessment):
        lines += ["", *(f"{name:36}{_verdict(test['passed'])}" for name, test in _tests(assessment)["tests"].items())]
    lines += ["", f"assessed min-entropy: {assessment.min_entropy:.6f} bits a sample of {samples.bits}"]
    if isinstance(assessment, IidAssessment) and not assessment.passed:
        lines.append("the samples are not independent and identically distributed: assess them without --iid")
    return "\n".join(lines)


def _verdict(passed: bool) -> str:
    return "passed" if passed else "FAILED"


def _cell(estimates: Mapping[str, Estimate], name: str) -> str:
    if name not in estimates:
        return f"{'':>10}"
    value = estimates[name].min_entropy
    return f"{'too few':>10}" if value is None else f"{value:>10.6f}"
