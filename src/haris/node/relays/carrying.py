"""What this site holds for neighbours that it reaches in contacts only: sent on in contacts, in the order of its pad.

A message stays in the store until the neighbour has answered. So a site that is killed sends the same octets again, and
the neighbour, whose pad is burnt when it takes them, takes them once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from haris.node.events import SiteEvent
from haris.node.relays.handing import VERB, Relaying, patience_s
from haris.node.supply.peers import KmePeers
from haris.nouns.errors import HarisError, KeyUnavailable, PeerError
from haris.wire import relay as wire
from haris.wire.versions import NoCommonVersion

PERIOD_S = 0.25


class Carrying:
    """Of one site. now_ns: our clock, nanoseconds since 1970."""

    def __init__(self, relaying: Relaying, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._relaying, self._store, self._now_ns = relaying, relaying.store, now_ns
        self._empty: set[str] = set()

    async def run(self, peers: KmePeers) -> None:
        """For ever."""
        while True:
            with contextlib.suppress(HarisError):  # a store that fails says so where keys are at stake
                await self.carry_once(peers)
            await asyncio.sleep(PERIOD_S)

    async def carry_once(self, peers: KmePeers) -> int:
        """Give up what is too old, and send what is held for whom is in reach; returns how many messages were sent.

        A neighbour that fails keeps no other one waiting for longer than it takes to ask it.
        """
        dropped = await asyncio.to_thread(self._store.drop_carried, self._now_ns())
        if dropped:
            text = f"{dropped} messages that were held for too long"
            self._relaying.observe(SiteEvent(self._relaying.site, "relays given up", text))
        n_sent = 0
        for site, neighbour in list(self._relaying.neighbours.items()):
            if not neighbour.in_contacts and site in self._empty:
                continue  # nothing more is held for it
            if self._relaying.reach.is_open(site):
                with contextlib.suppress(HarisError):
                    n_sent += await self._send_all(peers, site, neighbour.outgoing)
        return n_sent

    async def _send_all(self, peers: KmePeers, site: str, ledger: str) -> int:
        n_sent = 0
        while (held := await asyncio.to_thread(self._store.carried, ledger)) is not None:
            message = wire.decode(held.message)
            assert isinstance(message, wire.RelayKeys)
            try:
                self._relaying.require(site)
                await peers.ask(site, VERB, held.message, patience_s(message.path))
            except (KeyUnavailable, NoCommonVersion):
                return n_sent  # the same octets again, later
            except PeerError:
                pass  # it took them before, or never will
            await asyncio.to_thread(self._store.carry_no_more, ledger, held.offset)
            n_sent += 1
        self._empty.add(site)
        return n_sent
