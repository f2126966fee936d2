"""haris rate: the secret key rate of a link against distance."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.families.family import Rate
from haris.quantum.link import Link
from haris.quantum.optics.free_space.path import FreeSpacePath
from haris.quantum.optics.split_fibre import SplitFibre
from haris.report.key_rate import (
    bits_per_s,
    comparison_table,
    explanation,
    rate_figure,
    rate_table,
    require_figure_path,
    save_figure,
    terminal_plot,
)
from haris.report.path_light import path_line, path_report

DESCRIPTION = "Secret key rate of links against distance, by the same bound that shortens live keys."
EXAMPLE = "haris rate examples/links/metro_25km.toml --distance 0:100:50 --plot rate.svg --explain"

MAX_POINTS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris rate."""
    parser.add_argument(
        "link",
        metavar="LINK.toml",
        type=Path,
        nargs="+",
        help="source, channel, detector, protocol, security; several are compared on one axis",
    )
    parser.add_argument(
        "--distance",
        metavar="START:STOP:COUNT",
        help="distances in km: COUNT of them from START to STOP, or one number "
        "(default: 31 up to twice the longest link)",
    )
    parser.add_argument(
        "--optimise", action="store_true", help="choose intensities, probabilities and bases anew at each distance"
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="write the figure as FILE.png or FILE.svg")
    parser.add_argument("--explain", action="store_true", help="every term of the bound at the link's own distance")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a link, several in a list, instead of table and plot"
    )


@dataclass(frozen=True, slots=True)
class _Rated:
    """A link by the name of its file: what it gives at its own length, and along the sweep."""

    name: str
    link: Link
    here: Rate
    sweep: Rate


def run(args: argparse.Namespace) -> int:
    """Print the rates; returns 0 even where there is no key, for a rate of 0 is an answer."""
    if args.plot is not None:
        require_figure_path(args.plot)
    links = {path.stem: Link.read(path) for path in args.link}
    if len(links) != len(args.link):
        raise ParameterError("links that are compared need file names that differ")
    at_m = distances_m(args.distance, max(link.channel.length_m for link in links.values()))
    rated = [
        _Rated(name, link, link.rate(optimise=args.optimise), link.rate(at_m, optimise=args.optimise))
        for name, link in links.items()
    ]
    sweeps = {each.name: each.sweep for each in rated}
    bounds = {each.name: f"{each.name}, {each.link.security.bound}" for each in rated}
    title = next(iter(bounds.values())) if len(rated) == 1 else "secret key rates"
    if args.plot is not None:
        save_figure(
            rate_figure({bounds[name]: sweep for name, sweep in sweeps.items()}, rated[0].link.source.clock_hz, title),
            args.plot,
        )
    if args.json:
        reports = [_report(each, args.explain) for each in rated]
        print(json.dumps(reports[0] if len(reports) == 1 else reports))
        return 0
    print(rate_table(rated[0].sweep) if len(rated) == 1 else comparison_table(sweeps))
    if at_m.size > 1:
        print(f"\n{terminal_plot(sweeps, title)}")
        if len(rated) > 1:
            names = [f"{letter}: {name}" for letter, name in zip(ascii_lowercase, bounds.values(), strict=False)]
            print("\n".join([*names, "... PLOB's capacity, ::: what one repeater would give"]))
    for each in rated:
        _tell(each, args.explain, named=len(rated) > 1)
    return 0


def _epsilon(rated: _Rated, keys: int = 1) -> str:
    """Of so many keys together; a bound of endless blocks has none."""
    if not rated.here.key.proof.finite:
        return ", by a bound of endless blocks"
    return f", epsilon {keys * rated.link.security.epsilon:.3g}"


def _tell(rated: _Rated, explain: bool, named: bool) -> None:
    link, here = rated.link, rated.here
    block_s = link.protocol.block_pulses / link.source.clock_hz
    print(
        f"\n{rated.name + ' ' if named else ''}at its own {link.channel.length_m / 1e3:g} km: "
        f"{bits_per_s(float(here.secret_bits_per_s))}, {int(here.key.length_bits):,} bits from a block of "
        f"{block_s:.3g} s{_epsilon(rated)}"
    )
    users = _users(link)
    if users > 1:
        together = bits_per_s(users * float(here.secret_bits_per_s))
        print(f"  all {users} users together: {together}{_epsilon(rated, users)}")
    if here.settings:
        print("  with " + ", ".join(f"{name} {float(value):.4g}" for name, value in here.settings.items()))
    if isinstance(link.channel, FreeSpacePath):
        print(f"  {path_line(link.channel)}")
    if explain:
        print(f"\n{explanation(here)}")


def _users(link: Link) -> int:
    """Whom the light is shared among, each with a key of his own at the link's rate."""
    return link.channel.users if isinstance(link.channel, SplitFibre) else 1


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


def _report(rated: _Rated, explain: bool) -> dict[str, Any]:
    link, here, sweep = rated.link, rated.here, rated.sweep
    report: dict[str, Any] = {
        "link": rated.name,
        "protocol": link.family.name,
        "bound": link.security.bound,
        "epsilon": link.security.epsilon,
        "block_pulses": link.protocol.block_pulses,
        "length_m": link.channel.length_m,
        "secret_bits": int(here.key.length_bits),
        "secret_bits_per_s": float(here.secret_bits_per_s),
        "rates": {
            "distance_m": sweep.distance_m.tolist(),
            "secret_bits_per_pulse": sweep.secret_bits_per_pulse.tolist(),
            "secret_bits_per_s": _or_null(sweep.secret_bits_per_s),
            "qber": _or_null(sweep.qber),
            "plob_per_pulse": _or_null(sweep.plob_per_pulse),
        },
    }
    if _users(link) > 1:
        report["users"] = _users(link)
        report["secret_bits_per_s_of_all_users"] = _users(link) * float(here.secret_bits_per_s)
    if isinstance(link.channel, FreeSpacePath):
        report["light"] = path_report(link.channel)
    if here.settings:
        report["settings"] = {name: float(value) for name, value in here.settings.items()}
        report["rates"]["settings"] = {name: value.tolist() for name, value in sweep.settings.items()}
    if explain:
        report["terms"] = [
            {"name": t.name, "value": _number(float(t.value)), "unit": t.unit, "meaning": t.meaning, "source": t.source}
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


def _or_null(values: NDArray[np.float64]) -> list[float | None]:
    """JSON has no infinity, and no number for what there is not."""
    return [_number(float(value)) for value in values]


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
