"""haris pass: the coming passes of satellites over stations, with their predicted key."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.elements import DAY_S
from haris.quantum.space.light import clear_probability, pass_light
from haris.quantum.space.optimised import link_with, optimised
from haris.quantum.space.scenario import Scenario
from haris.report.crosslink_page import crosslink_page
from haris.report.crosslinks import crosslink_report, crosslink_table
from haris.report.no_pass import never_seen, no_pass
from haris.report.pass_light import light_report, light_table
from haris.report.pass_page import pass_page
from haris.report.pass_settings import settings_report, settings_table
from haris.report.passes import pass_report, pass_table
from haris.report.web_page import web_page

DESCRIPTION = "Passes of satellites over ground stations or past each other, and the key that each is expected to give."
EXAMPLE = """haris pass examples/space/micius_xinglong_2016.toml
  haris pass examples/space/jinan1_like.toml --days 3 --page passes.html"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris pass."""
    parser.add_argument("scenario", metavar="PASS.toml", type=Path, help="satellites, stations, and the link between")
    parser.add_argument("--start", metavar="TIME", help="in place of the file's: RFC 3339, UTC without a zone")
    parser.add_argument("--days", metavar="N", type=float, help="how long to search, in place of the file's")
    parser.add_argument("--light", action="store_true", help="each pass's losses, fading, outage, Doppler, point-ahead")
    parser.add_argument(
        "--optimise",
        metavar="FOR",
        nargs="?",
        const="each",
        choices=("each", "all"),
        help="choose intensities, probabilities, bases and the slots to use anew: for each pass, or for all of them",
    )
    parser.add_argument("--page", metavar="HTML", type=Path, help="draw sky tracks, losses, rates, a map, key a month")
    parser.add_argument("--json", action="store_true", help="print one JSON list of passes in place of the table")


def run(args: argparse.Namespace) -> int:
    """Print the passes; returns 0 even where there is none, or no key, for that is an answer."""
    if args.page is not None and not args.page.parent.is_dir():
        raise ParameterError(f"{args.page}: there is no such folder")
    scenario = Scenario.read(args.scenario)
    changes = {name: value for name in ("start", "days") if (value := getattr(args, name)) is not None}
    scenario = replace(scenario, search=replace(scenario.search, **changes))
    if scenario.is_crosslink:
        if args.light or args.optimise:
            raise ParameterError(f"{args.scenario}: --light and --optimise are of passes over a station")
        return _crosslinks(scenario, args.page, args.json)
    if args.light:
        scenario.link.require_one_to_one("--light")
    now_s = time.time()
    keys = scenario.keys(now_s)
    if args.optimise:
        keys = optimised(keys, scenario.link, together=args.optimise == "all")
    clear = [clear_probability(each.slots, scenario.link) for each in keys]
    age_s = scenario.satellites.most_age_days * DAY_S
    links = [link_with(scenario.link, each.settings) if each.settings else scenario.link for each in keys]
    lights = [pass_light(each, link, age_s) for each, link in zip(keys, links, strict=True)] if args.light else []
    if args.page:
        args.page.write_text(web_page(pass_page(keys, links, clear)), encoding="utf-8")
    if args.json:
        told = zip(keys, clear, strict=True)
        reports = [pass_report(each, share) | settings_report(each) for each, share in told]
        for report, light in zip(reports, lights, strict=False):
            report |= light_report(light)
        print(json.dumps(reports))
    elif keys:
        print(pass_table(keys, scenario.link, clear))
        if args.optimise:
            print(f"\n{settings_table(keys)}")
        if lights:
            print(f"\n{light_table(lights)}")
    missing = "\n".join(never_seen(scenario)) if keys else no_pass(scenario, now_s)
    if missing:
        print(missing, file=sys.stderr if args.json else sys.stdout)
    return 0


def _crosslinks(scenario: Scenario, page: Path | None, as_json: bool) -> int:
    windows = scenario.crosslinks(time.time())
    if page:
        page.write_text(web_page(crosslink_page(windows, scenario.link)), encoding="utf-8")
    reports = [crosslink_report(each, scenario.link) for each in windows]
    print(json.dumps(reports) if as_json else crosslink_table(windows, scenario.link))
    return 0
