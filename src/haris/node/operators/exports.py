"""Keys on their way out: what other sites assign to applications of other operators, handed over at the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from haris.keys.export import Export, Exporting
from haris.keys.foreign import Departure
from haris.keys.interworking import Interworking
from haris.node.operators.etsi020_client import Etsi020Client
from haris.node.operators.telling import Telling
from haris.node.operators.works import Works
from haris.nouns.assignments import Assignment
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.wire import kme
from haris.wire.etsi020_problem import Problem

_RETRY_PAUSE_S = 0.1


class Exports:
    """The sending side of one gateway. clients: by the operator's name."""

    def __init__(
        self,
        interworking: Interworking,
        exporting: Exporting,
        clients: Mapping[str, Etsi020Client],
        telling: Telling,
        works: Works,
        timeout_s: float,
    ) -> None:
        """timeout_s: how long a key may be on its way to all its targets."""
        self._interworking, self._exporting, self._store = interworking, exporting, interworking.store
        self._clients, self._telling, self._works, self._timeout_s = clients, telling, works, timeout_s
        self._taking: dict[UUID, asyncio.Task[None]] = {}

    async def assign(self, site: str, body: bytes) -> bytes:
        """Another site's assignments; those for slaves of other operators are held once those have the keys."""
        assignments = kme.read_assign(body)
        task = self._works.run(self._take(site, assignments))
        key_ids = [word.key_id for word in assignments]
        self._taking.update(dict.fromkeys(key_ids, task))
        try:
            await asyncio.shield(task)
        finally:
            for key_id in key_ids:
                self._taking.pop(key_id, None)
        return b"{}"

    async def void_assigned(self, site: str, body: bytes) -> bytes:
        """Another site takes its word back, which other operators have to hear, too."""
        voids = kme.read_void(body)
        key_ids = [void.key_id for void in voids]
        await asyncio.to_thread(self._interworking.supply.void, site, voids)
        return kme.write_voided(sorted(await self.held(key_ids)))

    async def held(self, key_ids: Sequence[UUID]) -> set[UUID]:
        """Void keys at other operators, too; those that a slave, ours or theirs, has. KeyUnavailable while unknown."""
        await self._void_departures(key_ids)
        taking = [self._taking[key_id] for key_id in key_ids if key_id in self._taking]
        if taking:
            await asyncio.wait(taking)
            await self._void_departures(key_ids)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._works.until(partial(self._settled_departures, key_ids))
        except TimeoutError:
            raise KeyUnavailable("another operator has not said yet whether it voided the keys") from None

    async def export(self, export: Export) -> None:
        """Hand keys over, until every target has them. KeyUnavailable, and they are void, when that takes too long."""
        name = export.parties.operator
        if name not in self._clients:
            raise KeyUnavailable(f"operator {name} is not reached from here")
        await asyncio.to_thread(self._exporting.begin, export)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._hand_over(export)
                relayed = await self._works.until(partial(self._exporting.is_relayed, export))
        except TimeoutError:
            relayed = False
        if not relayed:
            await self._void_departures(export.key_ids)
            raise KeyUnavailable(f"operator {name} did not relay the keys to every target")

    async def _take(self, site: str, assignments: Sequence[Assignment]) -> None:
        await asyncio.to_thread(self._interworking.supply.accept, site, assignments)
        exports = await asyncio.to_thread(self._exporting.take, assignments)
        for done in await asyncio.gather(*map(self.export, exports), return_exceptions=True):
            if isinstance(done, BaseException):
                raise done

    async def _hand_over(self, export: Export) -> None:
        """Send the same request until it is answered. KeyUnavailable when the operator refuses the keys."""
        name = export.parties.operator
        operator = self._interworking.operators[name]
        container = self._exporting.container(export, self._telling.callback_url(operator))
        while True:
            try:
                acks = await self._clients[name].ext_keys(container, self._timeout_s)
                return await self._telling.hear(operator, acks)
            except Problem as problem:
                if problem.status in (400, 401):  # it keeps nothing
                    await asyncio.to_thread(self._store.refuse_departures, name, export.key_ids)
                    raise KeyUnavailable(f"operator {name} refuses the keys: {problem}") from None
            except (KeyUnavailable, PeerError):
                pass
            await asyncio.sleep(_RETRY_PAUSE_S)

    def _settled_departures(self, key_ids: Sequence[UUID]) -> set[UUID] | None:
        states, foreign = self._store.departure_states(key_ids), self._interworking.supply.directory.foreign
        if any(Departure.VOIDING in each for each in states.values()):
            return None
        ours = {
            key_id
            for key_id, slaves in self._store.slaves_with(key_ids).items()
            if any(s not in foreign for s in slaves)
        }
        return ours | {key_id for key_id, each in states.items() if Departure.KEPT in each}

    async def _void_departures(self, key_ids: Sequence[UUID]) -> None:
        if await asyncio.to_thread(self._store.void_departures, key_ids):
            self._works.wake()
