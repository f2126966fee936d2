"""What a gateway owes another operator: acknowledgements of keys that came, voids of keys that were given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

from haris.keys.foreign import Ack, Operator, Parties
from haris.keys.interworking import Interworking, ack_containers, by_parties
from haris.node.operators.etsi020_client import Etsi020Client
from haris.node.operators.works import Works
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.wire.etsi020 import AckContainer, AckStatus, VoidContainer
from haris.wire.etsi020_problem import Problem

_CONTAINERS_A_CALL = 64


class Telling:
    """One gateway's words to its neighbours, and theirs on the keys that it sent. clients: by the operator's name."""

    def __init__(
        self,
        interworking: Interworking,
        clients: Mapping[str, Etsi020Client],
        works: Works,
        callback_url: str,
        again_s: float,
        file_alarm: Callable[[Alarm], None],
    ) -> None:
        """callback_url: where we want acknowledgements. again_s: how long a void may go without one."""
        self._interworking, self._store, self._clients = interworking, interworking.store, clients
        self._works, self._callback_url, self._again_s, self._file = works, callback_url, again_s, file_alarm
        self._void_asked_s: dict[UUID, float] = {}
        self._unreached: set[str] = set()

    def callback_url(self, operator: Operator) -> str | None:
        """What a request to an operator says of its acknowledgement; None: it is to be in the answer."""
        return None if operator.synchronous else self._callback_url

    async def hear(self, operator: Operator, containers: Sequence[AckContainer]) -> None:
        """What became of keys that we sent."""
        await asyncio.to_thread(self._interworking.take_acks, operator, containers)
        kept = sum(len(each.keys) for each in containers if each.status is AckStatus.FAILED_TO_VOID)
        if kept:
            text = f"{kept} keys that were taken back had been delivered before; nobody here has them"
            self._file(Alarm(Severity.MINOR, f"operator {operator.name}", text))
        self._works.wake()

    async def tell(self, name: str) -> None:
        """Tell an operator what it is owed, and have it void what we gave up."""
        try:
            await self._tell_acks(name)
            await self._tell_voids(name)
        except (KeyUnavailable, PeerError, Problem) as error:
            if name not in self._unreached:
                self._unreached.add(name)
                self._alarm(name, Severity.MAJOR, f"what is owed to operator {name} cannot be told: {error}")
            return
        if name in self._unreached:
            self._unreached.discard(name)
            self._alarm(name, Severity.INFO, f"operator {name} can be told again", active=False)

    def _alarm(self, name: str, severity: Severity, text: str, *, active: bool = True) -> None:
        self._file(Alarm(severity, f"operator {name}", text, AlarmKind.SITE_UNREACHABLE, active))

    async def _tell_acks(self, name: str) -> None:
        acks = await asyncio.to_thread(self._store.acks_owed, name)
        groups: dict[Parties, list[Ack]] = {}
        for ack in acks:
            groups.setdefault(ack.parties, []).append(ack)
        for each in groups.values():
            await self._tell_some(name, each)

    async def _tell_some(self, name: str, acks: Sequence[Ack]) -> None:
        """Acknowledge keys of the same parties; those that the operator refuses one by one."""
        containers = ack_containers(acks[0].parties, {ack.key_id: ack.status for ack in acks})
        url = self._interworking.operators[name].callback_url
        try:
            for first in range(0, len(containers), _CONTAINERS_A_CALL):
                await self._clients[name].ack(containers[first : first + _CONTAINERS_A_CALL], url)
        except Problem as problem:
            if problem.status not in (400, 401):
                raise
            if len(acks) > 1:
                for ack in acks:
                    await self._tell_some(name, [ack])
                return
            # The operator has no such key: nobody may have it here either.
            await asyncio.to_thread(partial(self._store.void_foreign, acks[0].parties, [acks[0].key_id], owed=False))
            self._works.wake()
        await asyncio.to_thread(self._store.acks_told, acks)

    async def _tell_voids(self, name: str) -> None:
        operator, now_s = self._interworking.operators[name], asyncio.get_running_loop().time()
        due = [
            crossing
            for crossing in await asyncio.to_thread(self._store.departures_to_void, name)
            if self._void_asked_s.get(crossing.key_id, -1e9) + self._again_s < now_s
        ]
        for parties, key_ids in by_parties(due):
            container = VoidContainer(key_ids, parties.initiator, parties.targets, self.callback_url(operator))
            try:
                acks = await self._clients[name].void(container)
            except Problem as problem:
                if problem.status not in (400, 401):
                    raise
                acks = ack_containers(parties, dict.fromkeys(key_ids, AckStatus.KEY_NOT_PRESENT))
            self._void_asked_s.update(dict.fromkeys(key_ids, now_s))
            await self.hear(operator, acks)
        self._void_asked_s = {key_id: at for key_id, at in self._void_asked_s.items() if at + 60 > now_s}
