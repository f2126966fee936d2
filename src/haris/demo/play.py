"""The play: the laboratory is set up, the acts are given, and everything that was started is ended."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

from haris.demo import acts
from haris.demo.desk import OrderDesk
from haris.demo.laboratory import CONTACTS, SPACE, Laboratory, build
from haris.demo.screen import Screen
from haris.demo.space import Flight, build_space
from haris.demo.stage import Stage
from haris.nouns.errors import HarisError, KeyUnavailable
from haris.service.fix_orders import Order

POOL_KEYS, PAD_KEYS = 12, 12
ONCE_ORDERS = 100


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the demonstration was asked for.

    once: ONCE_ORDERS orders and no acts. seconds: end the flow of orders after so long (None: when they are sent).
    eve: share of the first fibre's pulses that she taps, from eve_after confirmed orders on; None: as the acts have it.
    directory: where to keep the laboratory (None: it goes when the play ends). seed: of the light.
    space: with a satellite, its sky so many times as fast as ours; None: with fibres. contacts: it is reached in
    contacts only.
    """

    orders: tuple[Order, ...]
    once: bool = False
    seconds: float | None = None
    eve: float | None = None
    eve_after: int = 0
    directory: Path | None = None
    seed: str | None = None
    space: float | None = None
    contacts: bool = False

    @property
    def story(self) -> bool:
        """Whether the five acts are given."""
        return not self.once and self.seconds is None and self.eve is None

    @property
    def eve_at_first(self) -> float:
        """Eve's share of the first fibre from its first pulse on."""
        return self.eve if self.eve and self.eve_after == 0 else 0.0


@dataclass(slots=True)
class Outcome:
    """How the play ended: its summary, and what stopped it early."""

    result: dict[str, Any]
    ended_by: HarisError | None = None


async def play(wishes: Wishes, screen: Screen) -> Outcome:
    """Give the play. Keys that ran out, or a process that broke, end it early and stand in the outcome."""
    async with _directory(wishes.directory) as directory:
        laboratory = _laboratory(wishes, directory)
        flight = None if wishes.space is None else Flight(laboratory)
        stage = Stage(laboratory, wishes.seed, wishes.eve_at_first)
        desk = OrderDesk(stage.laboratory.ports["tunnel connect"])
        session = asyncio.create_task(desk.run())
        ended_by: HarisError | None = None
        try:
            screen.title("haris: from light to a protected order")
            lights = "two emulated fibres" if flight is None else "the passes of a satellite"
            screen.line(f"  three sites, {lights}, nine processes; everything lies in {directory}")
            await stage.start()
            with screen.live(lambda: _state(stage, desk)):
                if flight is not None:
                    await _flown(wishes, flight, stage, screen, desk)
                else:
                    await (_story if wishes.story else _flow)(wishes, stage, screen, desk)
        except HarisError as error:
            ended_by = error
        finally:
            peak_memory_mb = stage.peak_memory_mb()  # of processes that still are
            session.cancel()
            await stage.stop()
            await asyncio.gather(session, return_exceptions=True)
            passes = {} if flight is None else flight.summary(stage)
            # Sites tell their last when they stop.
            result = _summary(stage, desk) | passes | {"peak_memory_mb": peak_memory_mb}
        return Outcome(result, ended_by)


def _laboratory(wishes: Wishes, directory: Path) -> Laboratory:
    if wishes.space is None:
        return build(directory, POOL_KEYS, PAD_KEYS)
    return build_space(directory, wishes.space, plot=CONTACTS if wishes.contacts else SPACE)


async def _flown(wishes: Wishes, flight: Flight, stage: Stage, screen: Screen, desk: OrderDesk) -> None:
    """A satellite passes over two stations; kill -9 and curl are part of the story alone."""
    deck = _deal(wishes.orders)
    await flight.act_1_first_pass(stage, screen)
    await flight.act_2_second_pass(stage, screen, kill=wishes.story)
    if wishes.contacts:
        await flight.act_3_store_and_forward(stage, screen, kill=wishes.story)
    else:
        await flight.act_3_exclusive_or(stage, screen)
    if wishes.story:
        await acts.act_2_keys(stage, screen, number=4)
    await acts.act_3_orders(stage, screen, desk, list(islice(deck, 40 if wishes.story else ONCE_ORDERS)), number=5)


async def _story(wishes: Wishes, stage: Stage, screen: Screen, desk: OrderDesk) -> None:
    """Five acts. The orders of the file are dealt out to the last three, again and again if they are few."""
    deck = _deal(wishes.orders)
    await acts.act_1_light(stage, screen)
    await acts.act_2_keys(stage, screen)
    await acts.act_3_orders(stage, screen, desk, list(islice(deck, 40)))
    await acts.act_4_kill(stage, screen, desk, list(islice(deck, 40)))
    await acts.act_5_eve(stage, screen, desk, deck)


async def _flow(wishes: Wishes, stage: Stage, screen: Screen, desk: OrderDesk) -> None:
    """Orders without acts: a number of them, or for a time; with Eve from some order on."""
    for span in stage.laboratory.plot.spans:
        screen.link(span, stage.laboratory.link(span), stage.laboratory.links[span])
    deck = _deal(wishes.orders)
    orders: Iterator[Order] = islice(deck, ONCE_ORDERS) if wishes.once else deck
    flow = asyncio.create_task(_orders(wishes, stage, desk, orders))
    watch = asyncio.create_task(acts.refused_for_good(stage, 0))
    try:
        async with asyncio.timeout(wishes.seconds):
            done, _ = await asyncio.wait({flow, watch}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    except TimeoutError:
        screen.line(f"  {wishes.seconds:g} s are over")
        if not desk.confirmations:
            raise KeyUnavailable(f"no order was confirmed within {wishes.seconds:g} s: no key came") from None
    finally:
        for task in (flow, watch):
            task.cancel()
        await asyncio.gather(flow, watch, return_exceptions=True)


async def _orders(wishes: Wishes, stage: Stage, desk: OrderDesk, orders: Iterator[Order]) -> None:
    pause_s = 0.0 if wishes.once else acts.ORDER_PAUSE_S
    if wishes.eve and wishes.eve_after:
        await acts.send(stage, desk, islice(orders, wishes.eve_after), pause_s)
        await stage.tap(wishes.eve)
        pause_s = acts.ORDER_PAUSE_S
    await acts.send(stage, desk, orders, pause_s)


def _state(stage: Stage, desk: OrderDesk) -> str:
    """One line: where everything stands now."""
    watch, trip = stage.watch, desk.round_trip_ms(0.5)
    parts = [f"pool bank → exchange {watch.ready('bank', 'exchange')}"]
    parts += [f"{span} QBER {100 * r.qber:.1f} %" for span, r in watch.spans.items() if r.qber is not None]
    parts += [f"{len(desk.confirmations)} orders confirmed", f"median {trip:.1f} ms"] if trip is not None else []
    return "  ⋯ " + " · ".join(parts)


def _deal(orders: Sequence[Order]) -> Iterator[Order]:
    """The orders of the file, then the same again under ClOrdIDs of their own, for ever."""
    yield from orders
    for again in count(2):
        for order in orders:
            yield _renamed(order, f"{order.cl_ord_id}-{again}")


def _renamed(order: Order, cl_ord_id: str) -> Order:
    fields = tuple((tag, cl_ord_id.encode("latin-1") if tag == 11 else value) for tag, value in order.fields)
    return replace(order, cl_ord_id=cl_ord_id, fields=fields)


def _summary(stage: Stage, desk: OrderDesk) -> dict[str, Any]:
    watch = stage.watch
    first = desk.first_confirmed_at
    return {
        "orders_sent": desk.n_sent,
        "orders_confirmed": len(desk.confirmations),
        "round_trip_ms": {"p50": desk.round_trip_ms(0.5), "p99": desk.round_trip_ms(0.99)},
        "links": [
            {
                "name": span,
                "qber": watch.spans[span].qber,
                "secret_bits_per_s": watch.spans[span].secret_bits_per_s,
                "blocks": len(watch.spans[span].blocks),
                "aborted": watch.spans[span].n_aborted,
            }
            for span in watch.spans
        ],
        "keys_delivered": watch.n_given["enc_keys"],
        "hops": watch.hops,
        "epsilon_max": watch.epsilon_max,
        "tls": watch.tls,
        "seconds_to_first_order": None if first is None else round(first - stage.started_at, 2),
        "light": "emulated",
        "distillation": "real",
    }


@contextlib.asynccontextmanager
async def _directory(kept: Path | None) -> AsyncIterator[Path]:
    if kept is not None:
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="haris-demo-") as made:
        yield Path(made)
