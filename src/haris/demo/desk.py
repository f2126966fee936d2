"""The bank's order desk: sends FIX orders into the tunnel and takes the reports that come back."""

from __future__ import annotations

import asyncio
import contextlib
import time

from haris.node.system.streams import close_stream, read_some
from haris.nouns.errors import HarisError
from haris.service.fix import Confirmation, Initiator
from haris.service.fix_orders import Order

RECONNECT_S = 0.2
HEARTBEAT_S = 10
TICK_S = 1.0


class OrderDesk:
    """One FIX session that outlives its connections. confirmations: in the order in which they came.

    heartbeat_s: of the session; a connection that is silent for 2.4 times as long is given up for a new one.
    """

    def __init__(self, port: int, heartbeat_s: int = HEARTBEAT_S) -> None:
        self._port = port
        self._initiator = Initiator("BANK", "EXCHANGE", heartbeat_s)
        self._writer: asyncio.StreamWriter | None = None
        self._changed = asyncio.Event()
        self.confirmations: list[Confirmation] = []
        self.n_sent = 0
        self.first_confirmed_at: float | None = None

    async def run(self) -> None:
        """Keep a session open until cancelled; a lost connection is made again."""
        while True:
            with contextlib.suppress(HarisError, OSError):
                await self._session()
            await asyncio.sleep(RECONNECT_S)

    async def _session(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            self._initiator.connect(time.time_ns())
            self._writer = writer
            await self._flush()
            while (octets := await read_some(reader, TICK_S)) != b"":
                if octets:
                    self._hear(octets)
                self._initiator.tick(time.time_ns())
                await self._flush()
        finally:
            self._writer = None
            await close_stream(writer)

    def _hear(self, octets: bytes) -> None:
        confirmed = self._initiator.confirmations(octets, time.time_ns())
        if confirmed and self.first_confirmed_at is None:
            self.first_confirmed_at = time.monotonic()
        self.confirmations += confirmed
        self._changed.set()

    async def _flush(self) -> None:
        if self._writer is not None and (octets := self._initiator.outgoing()):
            self._writer.write(octets)
            await self._writer.drain()

    @property
    def logged_on(self) -> bool:
        """Whether the exchange has answered the Logon."""
        return self._initiator.logged_on

    async def order(self, order: Order) -> None:
        """Send one order and return when it is confirmed; however often the connection breaks meanwhile."""
        while not self.logged_on:
            await self._change()
        self._initiator.send_order(order, time.time_ns())
        self.n_sent += 1
        with contextlib.suppress(ConnectionError):  # what a broken connection swallows, the next one sends again
            await self._flush()
        while self._initiator.unconfirmed:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def round_trip_ms(self, quantile: float) -> float | None:
        """Quantile of the round trips so far, milliseconds."""
        trips = sorted(confirmation.round_trip_ns / 1e6 for confirmation in self.confirmations)
        return trips[min(len(trips) - 1, int(quantile * len(trips)))] if trips else None
