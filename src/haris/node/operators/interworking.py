"""A gateway at work: keys of other operators carried to their targets, ours handed over, and every word that is owed.

What must not be forgotten stands in the store; this drives it: requests as they come, and in the background what is
still to be carried, recalled, acknowledged or voided, again and again until it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from haris.keys.export import Exporting
from haris.keys.foreign import Operator, Parties
from haris.keys.interworking import Carriage, Carry, Interworking, by_parties
from haris.keys.supply import PeerReply
from haris.node.operators.etsi020_client import Etsi020Client
from haris.node.operators.exports import Exports
from haris.node.operators.telling import Telling
from haris.node.operators.works import Result, Works
from haris.node.supply.peers import KmePeers
from haris.nouns.alarms import Alarm
from haris.nouns.assignments import Void
from haris.nouns.errors import HarisError, KeyUnavailable
from haris.wire import kme
from haris.wire.etsi020 import (
    SYNCHRONOUS_MODE,
    VERSION,
    AckContainer,
    ExtKeyContainer,
    VersionContainer,
    VoidContainer,
)
from haris.wire.etsi020_problem import Problem, ProblemType


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """callback_url: where we want acknowledgements. timeout_s: how long a key may be on its way to all its targets; a
    site waits ASK_TIMEOUT_S for the gateway. retry_s: how often what is owed is tried again.
    """

    callback_url: str
    timeout_s: float = 4.0
    retry_s: float = 1.0


class Gateway:
    """One site's doors to other operators. clients: by the operator's name."""

    def __init__(
        self,
        interworking: Interworking,
        exporting: Exporting,
        clients: Mapping[str, Etsi020Client],
        config: GatewayConfig,
        file_alarm: Callable[[Alarm], None] = lambda alarm: None,
    ) -> None:
        self.interworking, self._store, self._clients, self._config = interworking, interworking.store, clients, config
        self._works = Works()
        self._peers: KmePeers | None = None
        self._telling = Telling(interworking, clients, self._works, config.callback_url, config.timeout_s, file_alarm)
        self.exports = Exports(interworking, exporting, clients, self._telling, self._works, config.timeout_s)

    def recover(self) -> None:
        """After a start, before anybody can ask: what a crash left on its way is taken back."""
        self._store.doubt_carriages()
        self._store.void_departures_in_doubt()

    async def start(self, peers: KmePeers) -> None:
        """Begin to settle what is owed."""
        self._peers = peers
        self._works.repeat(self._settle, self._config.retry_s)
        for name in self._clients:
            self._works.repeat(partial(self._telling.tell, name), self._config.retry_s)

    async def close(self) -> None:
        """End what runs; what is still owed is settled after the next start."""
        await self._works.close()
        for client in self._clients.values():
            await client.close()

    def versions(self) -> VersionContainer:
        """The version of the interface, and that acknowledgements may come in the answer."""
        return VersionContainer((VERSION,), (SYNCHRONOUS_MODE,))

    async def ext_keys(self, operator: Operator, container: ExtKeyContainer) -> tuple[AckContainer, ...] | None:
        """Keys for targets of ours. Returns the acknowledgements, or None when they will be called back."""
        parties = await asyncio.to_thread(self.interworking.receive, operator, container)
        key_ids = [key.key_id for key in container.keys]
        self._works.run(self._carry(operator.name, key_ids))
        if container.ack_callback_url is not None:
            return None
        return await self._in_time(partial(self.interworking.outcomes, parties, key_ids))

    async def void(self, operator: Operator, container: VoidContainer) -> tuple[AckContainer, ...] | None:
        """Keys that shall not be delivered. Returns as ext_keys does."""
        parties, key_ids = await asyncio.to_thread(self.interworking.void, operator, container)
        self._works.wake()
        if container.ack_callback_url is not None:
            return None
        return await self._in_time(partial(self.interworking.voided, parties, key_ids))

    async def ack(self, operator: Operator, containers: Sequence[AckContainer]) -> None:
        """What became of keys that we sent."""
        await self._telling.hear(operator, containers)

    async def _carry(self, operator: str, key_ids: Sequence[UUID]) -> None:
        """Carry received keys to their targets."""
        carriage: Carriage = self.interworking.carry(operator, key_ids)
        replies: tuple[PeerReply, ...] | None = None
        try:
            while (step := await asyncio.to_thread(_advance, carriage, replies)) is not None:
                asked = (
                    *(self._ask(site, kme.ASSIGN, kme.write_assign(words)) for site, words in step.assignments),
                    *(self.exports.export(export) for export in step.exports),
                )
                replies = tuple(await asyncio.gather(*map(_reply, asked)))
        finally:
            await asyncio.to_thread(carriage.close)
        self._works.wake()

    async def _settle(self) -> None:
        """Carry what waits, recall what is to be taken back."""
        waiting = await asyncio.to_thread(self.interworking.waiting)
        recalls = by_parties(await asyncio.to_thread(self._store.foreign_recalls))
        await asyncio.gather(
            *(self._works.run(self._carry(parties.operator, key_ids)) for parties, key_ids in waiting),
            *(self._works.run(self._recall(parties, key_ids)) for parties, key_ids in recalls),
            return_exceptions=True,
        )

    async def _recall(self, parties: Parties, key_ids: Sequence[UUID]) -> None:
        """Take keys back from every site; what one of them has fetched cannot be."""
        fetched: set[UUID] = set()
        voids = kme.write_void([Void(key_id, ()) for key_id in key_ids])
        for site in self.interworking.sites_of(parties):
            if site == self.interworking.supply.directory.site:
                await asyncio.to_thread(self.interworking.recall_here, key_ids)
                fetched |= await self.exports.held(key_ids)
            else:
                told = kme.read_voided(await self._ask(site, kme.VOID, voids))
                fetched |= set(key_ids if told is None else told)
        for key_id in key_ids:
            await asyncio.to_thread(
                partial(self._store.settle_recall, parties.operator, key_id, fetched=key_id in fetched)
            )
        self._works.wake()

    async def _ask(self, site: str, verb: str, body: bytes) -> bytes:
        if self._peers is None:
            raise KeyUnavailable("the gateway has not started")
        return await self._peers.ask(site, verb, body)

    async def _in_time(self, read: Callable[[], Result | None]) -> Result:
        """What read gives once it gives something; a Problem when that takes too long."""
        try:
            async with asyncio.timeout(self._config.timeout_s):
                return await self._works.until(read)
        except TimeoutError:
            raise Problem(ProblemType.TIMEOUT) from None


async def _reply(asked: Awaitable[object]) -> PeerReply:
    try:
        await asked
    except HarisError as error:
        return PeerReply(accepted=False, reason=str(error))
    return PeerReply(accepted=True)


def _advance(carriage: Carriage, replies: tuple[PeerReply, ...] | None) -> Carry | None:
    """One step of a carriage; None at its end."""
    try:
        return next(carriage) if replies is None else carriage.send(replies)
    except StopIteration:
        return None
