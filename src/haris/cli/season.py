"""haris season: the key of many passes, with weather and conflicts, and what another constellation would give."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError
from haris.nouns.times import NS_PER_S, read_time
from haris.quantum.orbit.walker import Walker
from haris.quantum.space.scenario import Scenario
from haris.report.no_pass import never_seen
from haris.report.season import choices_text, compared, season_report, season_text

if TYPE_CHECKING:
    from haris.quantum.space.season import Apply, Season

DESCRIPTION = (
    "The key of a season: of each station by night and month, and of each pair, with the weather of [[weather]], "
    "where a satellite serves one station at a time and a station one satellite ([handover]). With --walker, of other "
    "constellations beside each other; with --demand, which of them suffice."
)
EXAMPLE = """haris season examples/space/european_stations.toml --choose 2
  haris season examples/space/micius_xinglong_2016.toml --start 2016-12-10 --days 20
  haris season examples/space/jinan1_like.toml --days 30 --walker 1/1/0:500:97.4 --walker 4/2/1:500:97.4 --demand 1e6"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("scenario", metavar="PASS.toml", type=Path, help="satellites, stations, weather, and the link")
    parser.add_argument("--start", metavar="TIME", help="in place of the file's: RFC 3339, UTC without a zone")
    parser.add_argument("--days", metavar="N", type=float, default=365.0, help="how long (default: 365)")
    parser.add_argument(
        "--most-age", metavar="DAYS", type=float, help="how old elements may be, in place of the file's"
    )
    parser.add_argument(
        "--walker",
        metavar="T/P/F:KM:DEG",
        action="append",
        default=[],
        help="in place of the satellites: T in P planes, phasing F, altitude, inclination; several times to compare",
    )
    parser.add_argument(
        "--demand", metavar="BITS", type=float, help="a day, that each pair or a single station shall have"
    )
    parser.add_argument("--choose", metavar="N", type=int, help="which N stations serve the pair that gets least best")
    parser.add_argument("--dask", metavar="ADDRESS", help="of a Dask scheduler, whose workers take a satellite each")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the season, or one line a constellation."""
    if args.demand is not None:
        require_positive("--demand", args.demand)
    scenario = Scenario.read(args.scenario)
    if scenario.is_crosslink:
        raise ParameterError(f"{args.scenario}: a season is of stations, and a crosslink has none: use haris pass")
    changes = {"days": args.days} | ({} if args.start is None else {"start": args.start})
    scenario = replace(scenario, search=replace(scenario.search, **changes))
    if args.most_age is not None:
        scenario = replace(scenario, satellites=replace(scenario.satellites, most_age_days=args.most_age))
    with _mapping(args.dask) as apply:
        found = _seasons(args, scenario, time.time(), apply)
    if args.choose is not None:
        if len(found) > 1:
            raise ParameterError("--choose is of one constellation at a time")
        best = next(iter(found.values())).choices(args.choose)
        if not args.json:
            print(choices_text(best, args.demand))
            return 0
        found = {", ".join(station.name for station in each.keys.passes.stations): each for each in best}
    if args.json:
        print(json.dumps([{"name": name} | season_report(each, args.demand) for name, each in found.items()]))
    elif args.walker:
        print(compared(found, args.demand))
    else:
        print(season_text(next(iter(found.values())), args.demand))
    if not args.walker and (missing := never_seen(scenario)):
        print("", *missing, sep="\n", file=sys.stderr if args.json else sys.stdout)
    return 0


def _seasons(args: argparse.Namespace, scenario: Scenario, now_s: float, apply: Apply) -> dict[str, Season]:
    """By name: of the scenario's satellites, or of each constellation."""
    if not args.walker:
        return {args.scenario.stem: scenario.season(now_s, apply=apply)}
    start = scenario.search.start
    epoch_s = now_s if start is None else read_time("start", start) / NS_PER_S
    return {text: scenario.season(now_s, walker_of(text).elements(epoch_s), apply) for text in args.walker}


def walker_of(text: str) -> Walker:
    """The constellation that T/P/F:KM:DEG names. Raises ParameterError on anything else."""
    try:
        pattern, altitude_km, inclination_deg = text.split(":")
        satellites, planes, phasing = (int(number) for number in pattern.split("/"))
        return Walker(satellites, planes, phasing, float(altitude_km) * 1e3, float(inclination_deg))
    except ParameterError as error:
        raise ParameterError(f"--walker {text}: {error}") from None
    except ValueError:
        raise ParameterError(f"--walker {text}: must be T/P/F:KM:DEG, such as 4/2/1:500:97.4") from None


@contextlib.contextmanager
def _mapping(address: str | None) -> Iterator[Apply]:
    """map, or that of the workers of a Dask scheduler."""
    if address is None:
        yield map
        return
    try:
        from dask.distributed import Client
    except ImportError:
        raise ParameterError("--dask needs the package dask: pip install 'haris[dask]'") from None
    try:
        client = Client(address, timeout="10s")  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise ParameterError(f"--dask {address}: {error}") from None
    with client:
        yield lambda of, each: client.gather(client.map(of, list(each)))  # type: ignore[no-untyped-call]
