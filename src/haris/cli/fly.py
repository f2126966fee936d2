"""haris fly: the light of a pass sampled, and distilled by both ends while it comes."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import DAY_S
from haris.quantum.space.flight import STRETCH_S, fly
from haris.quantum.space.scenario import Scenario
from haris.report.flight import flight_report, flight_table
from haris.report.no_pass import no_pass

DESCRIPTION = (
    "Fly a pass of PASS.toml: its light is sampled, told of while it comes, and distilled by the two ends before the "
    "satellite sets, over the line of [classical]. What a line that is narrow or broken leaves undone is finished in "
    "the next contact."
)
EXAMPLE = """haris fly examples/space/micius_xinglong_2016.toml
  haris fly examples/space/jinan1_like.toml --days 3 --passes 2"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("scenario", metavar="PASS.toml", type=Path, help="satellite, station, and the link between")
    parser.add_argument("--start", metavar="TIME", help="in place of the file's: RFC 3339, UTC without a zone")
    parser.add_argument("--days", metavar="N", type=float, help="how long to search, in place of the file's")
    parser.add_argument("--first", metavar="N", type=int, help="number of the first pass (default: the first with key)")
    parser.add_argument(
        "--passes", metavar="N", type=int, default=1, help="passes of one block, those with key (default: 1)"
    )
    parser.add_argument(
        "--stretch", metavar="SECONDS", type=float, default=STRETCH_S, help=f"of light (default: {STRETCH_S:g})"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same flight (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the flight. Returns 3 when there is no key."""
    scenario = Scenario.read(args.scenario)
    if scenario.is_crosslink:
        raise ParameterError(f"{args.scenario}: what is flown is a pass over a station: use haris pass for a crosslink")
    changes = {name: value for name in ("start", "days") if (value := getattr(args, name)) is not None}
    scenario = replace(scenario, search=replace(scenario.search, **changes))
    now_s = time.time()
    keys = scenario.keys(now_s)
    if not keys:
        return _not_flown(no_pass(scenario, now_s), args.json)
    first = next((i for i, each in enumerate(keys, 1) if each.secret_bits > 0), 1) if args.first is None else args.first
    if not 1 <= first <= len(keys):
        raise ParameterError(f"there are {len(keys)} passes in this search, and no number {first}")
    if keys[first - 1].secret_bits == 0:
        which = f"pass {first} is not" if args.first is not None else "no pass of this search is"
        asked = keys if args.first is None else keys[first - 1 : first]
        why = "; ".join(dict.fromkeys(each.reason for each in asked))
        return _not_flown(f"{which} worth its light: {why}", args.json)
    flown = keys[first - 1].flown
    same = [
        each
        for each in keys[first - 1 :]
        if each.flown.satellite == flown.satellite and each.flown.station == flown.station
    ]
    if args.passes < 1:
        raise ParameterError(f"--passes must be at least 1, got {args.passes}")
    lit = [0, *(i for i, each in enumerate(same) if i and each.secret_bits > 0)][: args.passes]
    if len(lit) < args.passes:
        raise ParameterError(f"--passes {args.passes}: this search has {len(lit)} passes with key from that one on")
    age_s = scenario.satellites.most_age_days * DAY_S
    began_s = time.process_time()
    contacts = [each.flown for each in same]
    flight = fly(contacts, scenario.link, scenario.classical, age_s, args.seed, lit, args.stretch)
    took_s = time.process_time() - began_s
    expected = sum(same[i].secret_bits for i in lit)
    if args.json:
        print(json.dumps(flight_report(flight, expected) | {"processor_s": took_s}))
    else:
        print(flight_table(flight, expected))
        print(f"processor time of both ends and of the light: {took_s:.1f} s")
    return 0 if flight.secret_bits else 3


def _not_flown(reason: str, as_json: bool) -> int:
    """Say why no light was sampled."""
    print(json.dumps({"secret_bits": 0, "reason": reason}) if as_json else reason)
    return 3
