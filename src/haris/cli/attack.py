"""haris attack: what an attack on a link leaves secret, and what its users see."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from haris.cli.rate import distances_m
from haris.nouns.document import parse_document, read_document
from haris.nouns.document_text import fields_of
from haris.nouns.errors import ParameterError
from haris.quantum.attacks.attack import Attack, AttackedRate, Sign
from haris.quantum.attacks.attacked import ATTACKS, Attacked, attack_of, attacked
from haris.quantum.link import Link
from haris.report.attack import attack_summary, attack_table, signs_table

DESCRIPTION = "The key that users of a link claim under attack, the key that is secret, and what shows in their counts."
EXAMPLE = """haris attack examples/links/metro_25km.toml --attack photon-number-splitting
  haris attack examples/links/metro_cv_20km.toml --attack lo-calibration --set shot_noise_ratio=0.9 --emulate 1000000"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris attack."""
    parser.add_argument("link", metavar="LINK.toml", type=Path, help="the link that its users believe in")
    add_attack(parser, required=True)
    parser.add_argument(
        "--distance",
        metavar="START:STOP:COUNT",
        help="distances in km, as of haris rate (default: 31 up to twice the link's length)",
    )
    parser.add_argument(
        "--emulate", metavar="N", type=int, help="emulate N pulses under attack too, and count what the users see"
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="of the emulated light (default: 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def add_attack(parser: argparse.ArgumentParser, required: bool) -> None:
    """Arguments that name an attack."""
    parser.add_argument(
        "--attack",
        metavar="NAME",
        required=required,
        help=f"{', '.join(ATTACKS)}; or a file that ends in .toml, whose [attack] holds name and settings",
    )
    parser.add_argument(
        "--set", metavar="FIELD=VALUE", action="append", default=[], help="a setting of the attack, as TOML; repeatable"
    )


def run(args: argparse.Namespace) -> int:
    """Print what comes of the attack; returns 0 even where there is no key, for that is an answer."""
    link = Link.read(args.link)
    under = attacked(link, attack_named(args.attack, args.set))
    here = under.rate()
    sweep = under.rate(distances_m(args.distance, link.channel.length_m))
    measured = None if args.emulate is None else under.measured_signs(args.emulate, args.seed)
    if args.json:
        print(json.dumps(_report(args.link.stem, under, here, sweep, measured)))
        return 0
    block_s = link.protocol.block_pulses / link.source.clock_hz
    settings = ", ".join(f"{name} = {json.dumps(value)}" for name, value in _settings(under.attack).items())
    print(f"{under.attack.NAME}{f' with {settings}' if settings else ''}: {under.attack.TITLE}")
    print(f"  {under.attack.SOURCE}\n")
    print(attack_table(sweep, 1.0 / block_s))
    print(f"\n{args.link.stem} at its own {link.channel.length_m / 1e3:g} km, a block of {block_s:.3g} s:\n")
    print(attack_summary(here))
    if measured is not None:
        print("\n" + signs_table(measured, f"counted of {args.emulate:,} emulated pulses, seed {args.seed}:"))
    return 0


def attack_named(name: str, settings: list[str]) -> Attack:
    """An attack by its name and settings as FIELD=VALUE, or from a file. Raises ParameterError on anything else."""
    if name.endswith(".toml"):
        if settings:
            raise ParameterError("--set goes with the name of an attack; a file holds its own settings")
        return attack_of(read_document(name))
    if name not in ATTACKS:
        known = ", ".join(ATTACKS)
        raise ParameterError(f"--attack must be one of {known}, or a file that ends in .toml, got {name!r}")
    for setting in settings:
        if "=" not in setting or "\n" in setting:
            raise ParameterError(f"--set {setting!r}: write FIELD=VALUE, such as fraction=0.5")
    return attack_of(parse_document("\n".join([f'[attack]\nname = "{name}"', *settings]), "--set"))


def _settings(attack: Attack) -> dict[str, Any]:
    """As an attack's file holds them."""
    return {name: value for name, value in fields_of(attack).items() if value is not None}


def _report(
    name: str, under: Attacked, here: AttackedRate, sweep: AttackedRate, measured: tuple[Sign, ...] | None
) -> dict[str, Any]:
    report = {
        "link": name,
        "protocol": under.link.family.name,
        "bound": under.link.security.bound,
        "attack": {"name": under.attack.NAME, **_settings(under.attack)},
        "length_m": under.link.channel.length_m,
        "block_pulses": under.link.protocol.block_pulses,
        **_numbers(here),
        "sources": {"at_least": here.secret.least_source, "at_most": here.secret.most_source},
        "terms": [
            {"name": t.name, "value": _plain(t.value), "unit": t.unit, "meaning": t.meaning, "source": t.source}
            for t in here.secret.terms
        ],
        "signs": _signs(here.signs),
        "rates": {"distance_m": _plain(sweep.honest.distance_m), **_numbers(sweep)},
    }
    if measured is not None:
        report["measured"] = _signs(measured)
    return report


def _numbers(rate: AttackedRate) -> dict[str, Any]:
    return {
        "honest_bits": _plain(rate.honest.key.length_bits),
        "claimed_bits": _plain(rate.claimed_bits),
        "secret_at_least_bits": _plain(np.floor(rate.secret.at_least)),
        "secret_at_most_bits": _plain(np.floor(rate.secret.at_most)),
        "gap_bits": _plain(rate.gap_bits),
        "stolen_bits": _plain(rate.stolen_bits),
        "deviations": _plain(rate.deviations),
        "detected": rate.detected.tolist(),
    }


def _signs(signs: tuple[Sign, ...]) -> list[dict[str, Any]]:
    return [
        {
            "name": sign.name,
            "honest": _plain(sign.honest),
            "attacked": _plain(sign.attacked),
            "deviations": _plain(sign.deviations),
        }
        for sign in signs
    ]


def _plain(values: ArrayLike) -> Any:
    """Numbers as JSON has them: no infinity, and null in its place."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim:
        return [_plain(value) for value in array]
    return float(array) if np.isfinite(array) else None
