"""haris protocols: what each protocol assumes, and where its proof is printed."""

from __future__ import annotations

import argparse
import dataclasses
import json
import textwrap
from typing import Any

from haris.quantum.families.family import Family
from haris.quantum.link import FAMILIES

DESCRIPTION = "The protocols that a link may have, with their bounds: theorem, attacks, what is assumed."
EXAMPLE = "haris protocols decoy-bb84"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris protocols."""
    parser.add_argument(
        "name", metavar="NAME", nargs="?", choices=list(FAMILIES), help="one of them, with its parameters"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, by name")


def run(args: argparse.Namespace) -> int:
    """Print all protocols, or one."""
    families = [FAMILIES[args.name]] if args.name else list(FAMILIES.values())
    if args.json:
        print(json.dumps({family.name: _report(family) for family in families}))
        return 0
    print("\n\n".join(_text(family, parameters=args.name is not None) for family in families))
    return 0


def _text(family: Family, parameters: bool) -> str:
    lines = [f"{family.name}: {family.title}"]
    for name, proof in family.bounds.items():
        kind = "finite" if proof.finite else "asymptotic"
        lines.append(f'  bound "{name}": {kind}, {proof.attacks} attacks')
        lines += textwrap.wrap(proof.theorem, 110, initial_indent="    ", subsequent_indent="    ")
        lines += [f"    assumes {assumption}" for assumption in proof.assumptions]
    if parameters:
        for part, cls in _parts(family).items():
            fields = ", ".join(field.name for field in dataclasses.fields(cls))
            lines += textwrap.wrap(f"[{part}] {fields}", 110, initial_indent="  ", subsequent_indent="    ")
    if family.ignores:
        lines.append(f"  ignores {', '.join(family.ignores)}")
    if family.knobs:
        lines.append(f"  haris rate --optimise chooses {', '.join(knob.name for knob in family.knobs)}")
    lines.append(f"  emulated light: {'yes' if family.emulate else 'no'}")
    return "\n".join(lines)


def _parts(family: Family) -> dict[str, Any]:
    media = {"channel" if kind == "fibre" else f"channel: {kind}": cls for kind, cls in family.media.items()}
    parts = {"source": family.source, **media, "detector": family.detector, "protocol": family.protocol}
    return {name: cls for name, cls in parts.items() if dataclasses.is_dataclass(cls)}


def _report(family: Family) -> dict[str, Any]:
    return {
        "title": family.title,
        "bounds": {
            name: {
                "theorem": proof.theorem,
                "attacks": proof.attacks,
                "finite": proof.finite,
                "assumptions": list(proof.assumptions),
            }
            for name, proof in family.bounds.items()
        },
        "parameters": {name: [f.name for f in dataclasses.fields(cls)] for name, cls in _parts(family).items()},
        "ignores": list(family.ignores),
        "optimised": [knob.name for knob in family.knobs],
        "emulated": family.emulate is not None,
    }
