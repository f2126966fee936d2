"""haris rate: the secret key rate of a link against distance."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.families.family import Rate
from haris.quantum.link import Link
from haris.report.key_rate import (
    bits_per_s,
    explanation,
    rate_figure,
    rate_table,
    require_figure_path,
    save_figure,
    terminal_plot,
)

DESCRIPTION = "Secret key rate of a link against distance, by the same bound that shortens live keys."
EXAMPLE = "haris rate examples/links/metro_25km.toml --distance 0:100:50 --plot rate.svg --explain"

MAX_POINTS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris rate."""
    parser.add_argument("link", metavar="LINK.toml", type=Path, help="source, channel, detector, protocol, security")
    parser.add_argument(
        "--distance",
        metavar="START:STOP:COUNT",
        help="distances in km: COUNT of them from START to STOP, or one number "
        "(default: 31 up to twice the link's length)",
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="write the figure as FILE.png or FILE.svg")
    parser.add_argument("--explain", action="store_true", help="every term of the bound at the link's own distance")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table and plot")


def run(args: argparse.Namespace) -> int:
    """Print the rates; returns 0 even where there is no key, for a rate of 0 is an answer."""
    if args.plot is not None:
        require_figure_path(args.plot)
    link = Link.read(args.link)
    here = link.rate()
    sweep = link.rate(distances_m(args.distance, link.channel.length_m))
    title = f"{args.link.stem}, {link.security.bound}"
    if args.plot is not None:
        save_figure(rate_figure(sweep, link.source.clock_hz, title), args.plot)
    if args.json:
        print(json.dumps(_report(args.link.stem, link, here, sweep, args.explain)))
        return 0
    print(rate_table(sweep))
    if sweep.distance_m.size > 1:
        print(f"\n{terminal_plot(sweep, title)}")
    block_s = link.protocol.block_pulses / link.source.clock_hz
    print(
        f"\nat its own {link.channel.length_m / 1e3:g} km: {bits_per_s(float(here.secret_bits_per_s))}, "
        f"{int(here.key.length_bits):,} bits from a block of {block_s:.3g} s, epsilon {link.security.epsilon:.3g}"
    )
    if args.explain:
        print(f"\n{explanation(here)}")
    return 0


def distances_m(text: str | None, length_m: float) -> NDArray[np.float64]:
    """Distances in metres from km as START:STOP:COUNT or one number. Raises ParameterError on anything else."""
    if text is None:
        return np.linspace(0.0, max(2.0 * length_m, 1e3), 31)
    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts[:2]]
        count = int(parts[2]) if len(parts) == 3 else 1
    except ValueError:
        numbers = []
        count = 0
    valid = len(parts) in (1, 3) and len(numbers) == min(len(parts), 2) and 1 <= count <= MAX_POINTS
    if not valid or not all(0.0 <= n < np.inf for n in numbers):
        raise ParameterError(
            f"--distance {text!r}: write START:STOP:COUNT in km, such as 0:200:100 (at most {MAX_POINTS} distances)"
        )
    return np.linspace(numbers[0], numbers[-1], count) * 1e3


def _report(name: str, link: Link, here: Rate, sweep: Rate, explain: bool) -> dict[str, Any]:
    finite = np.isfinite(sweep.plob_per_pulse)
    report: dict[str, Any] = {
        "link": name,
        "bound": link.security.bound,
        "epsilon": link.security.epsilon,
        "block_pulses": link.protocol.block_pulses,
        "length_m": link.channel.length_m,
        "secret_bits": int(here.key.length_bits),
        "secret_bits_per_s": float(here.secret_bits_per_s),
        "rates": {
            "distance_m": sweep.distance_m.tolist(),
            "secret_bits_per_pulse": sweep.secret_bits_per_pulse.tolist(),
            "secret_bits_per_s": sweep.secret_bits_per_s.tolist(),
            "qber": sweep.qber.tolist(),
            "plob_per_pulse": [float(p) if ok else None for p, ok in zip(sweep.plob_per_pulse, finite, strict=True)],
        },
    }
    if explain:
        report["terms"] = [
            {"name": t.name, "value": float(t.value), "unit": t.unit, "meaning": t.meaning, "source": t.source}
            for t in here.key.terms
        ]
        proof = here.key.proof
        report["proof"] = {
            "theorem": proof.theorem,
            "attacks": proof.attacks,
            "finite": proof.finite,
            "assumptions": list(proof.assumptions),
        }
    return report
