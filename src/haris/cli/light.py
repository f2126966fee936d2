"""haris light: one emulated fibre as a process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haris.node.spans.sky import Sky
    from haris.quantum.attacks.attack import Attack
    from haris.quantum.link import Link
    from haris.quantum.space.scenario import Scenario

DESCRIPTION = "Emulate one fibre, or the passes of a satellite: the process that alone knows both halves of the light."
EXAMPLE = """haris light examples/links/metro_25km.toml --socket fibre.sock
  haris light examples/links/metro_25km.toml --record metro --blocks 2
  haris light examples/space/micius_xinglong_2016.toml --socket pass.sock
  haris light examples/links/metro_25km.toml --record brighter --attack laser-seeding --set gain=1.5"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    from haris.cli.attack import add_attack

    parser.add_argument("link", type=Path, metavar="FILE", help="LINK.toml of a fibre, or PASS.toml of a satellite")
    parser.add_argument("--station", metavar="NAME", help="which station of a PASS.toml that names several")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path, help="Unix socket at which the two sites attach")
    where.add_argument("--record", type=Path, metavar="FOLDER", help="write blocks to a new folder for haris distill")
    parser.add_argument("--blocks", type=int, default=1, metavar="N", help="blocks to record (default: 1)")
    parser.add_argument("--eve", type=float, metavar="FRACTION", help="short for the attack intercept-resend")
    add_attack(parser, required=False)
    parser.add_argument("--seed", help="any text: the same light again (for tests; by default fresh randomness)")


def run(args: argparse.Namespace) -> int:
    """Shine until interrupted, or until the recording is whole."""
    from haris.node.spans.lamps import FibreLamp, Lamp, PassLamp
    from haris.node.spans.light import run_light
    from haris.node.spans.sky import Sky
    from haris.node.system.memory import share_one_arena
    from haris.nouns.document import read_document
    from haris.nouns.errors import ParameterError
    from haris.quantum.link import Link
    from haris.quantum.space.contacts import contacts_of
    from haris.quantum.space.live import require_live
    from haris.quantum.space.scenario import scenario_of

    if args.blocks < 1:
        raise ParameterError(f"--blocks is at least 1, got {args.blocks}")
    document = read_document(args.link)
    share_one_arena()
    attack = _attack(args)
    seed = None if args.seed is None else hashlib.sha256(args.seed.encode()).digest()
    if "satellite" in document.values:
        if args.record is not None:
            raise ParameterError("--record is for fibres: passes shine at a --socket")
        scenario = scenario_of(document)
        if scenario.is_crosslink:
            raise ParameterError(f"{args.link}: a crosslink has no span, and so no light of its own")
        sky = Sky(contacts_of(scenario, args.station))
        require_live(sky.contacts.link)
        lamp: Lamp = PassLamp(sky, attack)
        print(f"haris light: {light_to_come(scenario, sky)}", file=sys.stderr, flush=True)
    else:
        if args.station is not None:
            raise ParameterError("--station goes with a PASS.toml")
        link = Link.read_live(args.link)
        lamp = FibreLamp(link, attack)
    if args.record is not None:
        _record(link, args.record, args.blocks, seed, attack)
        return 0

    async def shine() -> None:
        this = asyncio.current_task()
        assert this is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, this.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await run_light(lamp, args.socket, seed)

    asyncio.run(shine())
    return 0


def light_to_come(scenario: Scenario, sky: Sky) -> str:
    """When the light of passes shines next, or why it does not."""
    from haris.nouns.errors import ParameterError
    from haris.report.no_pass import next_light

    only = replace(scenario, stations=(sky.contacts.station,))
    try:
        return next_light(only, sky.coming(), sky.now_s())
    except ParameterError as error:
        hint = "; with [motion] a sky of the past begins now" if scenario.motion is None else ""
        return f"no light: {error}{hint}"


def _attack(args: argparse.Namespace) -> Attack | None:
    """What Eve does to the light. Raises ParameterError where two are named, or none and yet settings."""
    from haris.cli.attack import attack_named
    from haris.nouns.checks import require_probability
    from haris.nouns.errors import ParameterError
    from haris.quantum.attacks.intercept_resend import InterceptResend

    if args.attack is None and args.set:
        raise ParameterError("--set goes with --attack")
    if args.eve is None:
        return None if args.attack is None else attack_named(args.attack, args.set)
    require_probability("--eve", args.eve)
    if args.attack is not None:
        raise ParameterError("--eve is an attack already: name one, --eve or --attack")
    return InterceptResend(args.eve)


def _record(link: Link, folder: Path, n_blocks: int, seed: bytes | None, attack: Attack | None) -> None:
    """Write a recording, whole or not at all, when it is interrupted too."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from haris.node.distil.folder import NewFolder
    from haris.node.distil.light import emulated
    from haris.nouns.keys import Origin

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    console = Console(stderr=True)
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
        NewFolder(folder, link, Origin.EMULATED, os.urandom(16)) as recorder,
    ):
        task = bar.add_task(f"{n_blocks} x {link.protocol.block_pulses:.3g} pulses", total=n_blocks)
        for pulses, detections in emulated(link, n_blocks, seed or os.urandom(32), attack):
            recorder.write(pulses, detections)
            bar.advance(task)
