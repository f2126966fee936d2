"""The order desk and the gateway over a line that breaks at random moments: every order is confirmed exactly once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from haris.demo.desk import OrderDesk
from haris.demo.gateway import Gateway
from haris.demo.laboratory import orders_file
from haris.demo.play import _deal
from haris.service.fix_orders import read_orders

N_ORDERS = 300
SEED = 44


class BreakingLine:
    """A TCP line that can be cut, in the middle of a message too, or fall silent without an end."""

    def __init__(self, to: int, chance: random.Random) -> None:
        self.n_cuts = 0
        self._silent: set[asyncio.StreamWriter] = set()
        self._to, self._chance = to, chance
        self._ends: set[asyncio.StreamWriter] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._to)
        ends = {writer, onward_writer}
        self._ends |= ends
        await asyncio.gather(self._pump(reader, onward_writer), self._pump(onward_reader, writer))
        self._ends -= ends
        for end in ends:
            end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while octets := await reader.read(self._chance.randrange(1, 400)):
                if writer not in self._silent:
                    writer.write(octets)
                    await writer.drain()
        except OSError:
            pass
        writer.close()

    def fall_silent(self) -> None:
        """Swallow from now on whatever the present connections carry."""
        self._silent |= self._ends

    def cut(self) -> None:
        self.n_cuts += 1
        for end in self._ends:
            end.transport.abort()


@dataclass
class Trade:
    desk: OrderDesk
    line: BreakingLine


@asynccontextmanager
async def trading(chance: random.Random, heartbeat_s: int = 10) -> AsyncIterator[Trade]:
    gateway = await asyncio.start_server(Gateway().accept, "127.0.0.1", 0)
    line = BreakingLine(gateway.sockets[0].getsockname()[1], chance)
    proxy = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    desk = OrderDesk(proxy.sockets[0].getsockname()[1], heartbeat_s)
    session = asyncio.create_task(desk.run())
    try:
        yield Trade(desk, line)
    finally:
        session.cancel()
        await asyncio.gather(session, return_exceptions=True)
        line.cut()
        proxy.close()
        gateway.close()
        await asyncio.sleep(0.05)


@pytest.mark.timeout(90)
async def test_every_order_is_confirmed_exactly_once_however_often_the_line_breaks() -> None:
    chance = random.Random(SEED)
    orders = [order for order, _ in zip(_deal(read_orders(orders_file().read_bytes())), range(N_ORDERS), strict=False)]
    async with trading(chance) as trade:

        async def break_it() -> None:
            while True:
                await asyncio.sleep(chance.expovariate(1 / 0.12))
                trade.line.cut()

        breaking = asyncio.create_task(break_it())
        started = time.monotonic()
        for order in orders:
            async with asyncio.timeout(20):
                await trade.desk.order(order)
            await asyncio.sleep(chance.uniform(0, 0.02))
        breaking.cancel()
        print(f"{trade.line.n_cuts} cuts in {time.monotonic() - started:.1f} s, seed {SEED}")
        assert trade.line.n_cuts > 20
        assert [c.cl_ord_id for c in trade.desk.confirmations] == [order.cl_ord_id for order in orders]
        assert {c.status for c in trade.desk.confirmations} == {"2"}
        assert len({c.exec_id for c in trade.desk.confirmations}) == N_ORDERS  # each was filled once


@pytest.mark.timeout(60)
async def test_a_line_that_falls_silent_is_given_up_for_a_new_one() -> None:
    orders = read_orders(orders_file().read_bytes())
    async with trading(random.Random(SEED), heartbeat_s=1) as trade:
        await trade.desk.order(orders[0])
        trade.line.fall_silent()
        async with asyncio.timeout(10):
            await trade.desk.order(orders[1])
        assert [c.cl_ord_id for c in trade.desk.confirmations] == [order.cl_ord_id for order in orders[:2]]
