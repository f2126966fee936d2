"""haris noise: what the hardware of a link of quadratures adds, and what waveforms through it give."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from haris.nouns.errors import ParameterError
from haris.quantum.distill.pilot_recovery import PhaseLost
from haris.quantum.emulate.noise_budget import NoiseBudget
from haris.quantum.families.coherent_hardware import budget_of, estimated
from haris.quantum.families.family import fibre_of
from haris.quantum.families.measured_noise import MeasuredNoise, measured_noise
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.thermal_source import ThermalSource
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.report.noise_budget import budget_table, measured_table

DESCRIPTION = (
    "Excess noise of a link of continuous variables from its hardware, each cause with its source; with --emulate also "
    "measured, by pilot-aided processing of emulated waveforms. The link's rate counts the same noise (haris rate)."
)
EXAMPLE = "haris noise examples/links/metro_cv_hardware_20km.toml --emulate 1000000"

MOST_SYMBOLS = 1 << 23
EXIT_NO_KEY = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris noise."""
    parser.add_argument("link", metavar="LINK.toml", type=Path, help="a link whose parts name their hardware")
    parser.add_argument("--distance", metavar="KM", type=float, help="at this length in place of the link's own")
    parser.add_argument("--emulate", metavar="SYMBOLS", type=int, help="measure it on the waveforms of so many symbols")
    parser.add_argument("--seed", type=int, default=1, help="of the emulated light (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the budget; returns 3 where the pilot is too weak for a phase."""
    link = Link.read(args.link)
    if args.distance is not None:
        link = replace(link, channel=replace(fibre_of(link.family.name, link), length_m=args.distance * 1e3))
    if args.emulate is not None and not 1 <= args.emulate <= MOST_SYMBOLS:
        raise ParameterError(f"--emulate must lie in [1, {MOST_SYMBOLS}], got {args.emulate}")
    if not isinstance(link.detector, CoherentReceiver) or isinstance(link.source, ThermalSource):
        raise ParameterError(f'[protocol] name = "{link.family.name}" has no modulated quadratures, which noise is of')
    budget = budget_of(link)
    if budget is None:
        raise ParameterError("[source] and [detector] name no hardware: all noise of this link is stated in [detector]")
    channel, _ = estimated(link, np.asarray(link.channel.length_m))
    found = None if args.emulate is None else measured_noise(link, args.emulate, args.seed)
    if args.json:
        print(json.dumps(_report(link, budget, channel, found)))
    else:
        print(f"{args.link.stem} at {link.channel.length_m / 1e3:g} km\n{budget_table(budget, channel)}")
        if isinstance(found, PhaseLost):
            print(f"\nno symbols: {found.reason}")
        elif found is not None:
            print(f"\n{measured_table(found, budget, channel)}")
    return EXIT_NO_KEY if isinstance(found, PhaseLost) else 0


def _report(
    link: Link, budget: NoiseBudget, channel: GaussianChannel, found: MeasuredNoise | PhaseLost | None
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "length_m": link.channel.length_m,
        "transmittance": float(channel.transmittance),
        "pilot_bandwidth_hz": float(budget.pilot_bandwidth_hz),
        "terms": [
            {"name": t.name, "value": float(t.value), "unit": t.unit, "meaning": t.meaning, "source": t.source}
            for t in budget.terms
        ],
    }
    if isinstance(found, PhaseLost):
        report["lost"] = found.reason
    elif found is not None:
        report["measured"] = {
            "symbols": found.alice.n_symbols,
            "transmittance": float(found.channel.transmittance),
            "excess_snu": float(found.channel.noise_snu),
            "error_snu": found.error_snu,
            "electronic_noise_snu": found.bob.electronic_noise_snu,
            "pilot_ratio": found.bob.pilot_ratio,
            "frequency_offset_hz": found.bob.frequency_offset_hz,
        }
    return report
