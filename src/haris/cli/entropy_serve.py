"""haris entropy serve: random numbers of a source, over mutual TLS."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path

from haris.node import events
from haris.node.entropy.face import serve
from haris.node.entropy.opening import open_supply
from haris.node.entropy.supply_toml import ListenerTable, SupplyConfiguration, read_supply
from haris.node.http.listener import HttpListener
from haris.node.pki.mutual_tls import server_context
from haris.node.system.loop import run_in_loop
from haris.node.system.memory import protect_memory
from haris.nouns.alarms import Alarm, Severity
from haris.nouns.errors import ParameterError

SUMMARY = "serve random numbers of a source over mutual TLS"
DESCRIPTION = (
    "Read the device of SUPPLY.toml, test and hash its samples, and give the bits over mutual TLS: GET "
    "/random?length=N&format=HEX|BINARY, with &origin=source for bits of the source alone; SKIP's GET "
    "/entropy?minentropy=N; GET /status. Each answer says in Haris-Origin whether its bits are of the source or of the "
    "generator behind it, and in Haris-Device what they were made of. A failure is an alarm, and 503 until the "
    "start-up tests are passed again. Until interrupted; SIGHUP reads the certificates anew."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of haris entropy serve."""
    parser.add_argument("file", metavar="SUPPLY.toml", type=Path, help="the supply, with a table [listener]")
    parser.add_argument("--json", action="store_true", help="one JSON object a line for every event")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    configuration = read_supply(args.file)
    if configuration.listener is None:
        raise ParameterError(f"{args.file}: table [listener] is missing: nobody could ask")

    def observe(event: events.Event) -> None:
        print(events.to_json(event) if args.json else events.in_words(event), flush=True)

    for words in protect_memory():
        observe(events.SiteEvent(configuration.supply.name, "memory", words))
    run_in_loop(_serve(configuration, configuration.listener, observe))
    return 0


async def _serve(configuration: SupplyConfiguration, table: ListenerTable, observe: events.Observe) -> None:
    name, stop, loop = configuration.supply.name, asyncio.Event(), asyncio.get_running_loop()

    def tell(alarm: Alarm) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(observe, events.alarm_event(name, alarm))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    supply = open_supply(configuration, tell)
    listener = await serve(supply, table)
    loop.add_signal_handler(signal.SIGHUP, _renewing(table, listener, tell))
    supply.start()
    observe(events.SiteEvent(name, "started", f"gives random numbers on port {listener.port}"))
    try:
        await stop.wait()
    finally:
        supply.close()
        await listener.close()
    observe(events.SiteEvent(name, "stopped"))


def _renewing(table: ListenerTable, listener: HttpListener, tell: Callable[[Alarm], None]) -> Callable[[], None]:
    def renew() -> None:
        try:
            listener.context = server_context(table.files)
        except ParameterError as error:
            tell(Alarm(Severity.MAJOR, "certificate", f"the new files are no good, the old stay in use: {error}"))

    return renew
