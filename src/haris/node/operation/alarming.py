"""The alarms of one site: what it tells of itself becomes alarms, which are kept, told, and acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from haris.manage.alarms import AlarmBook, Change, Hysteresis
from haris.manage.audit import Act
from haris.node.events import AlarmEvent, BlockEvent, Event, PoolEvent, SiteEvent
from haris.node.store.alarms import Alarms
from haris.node.system.threads import finish_in_thread
from haris.nouns.alarms import Alarm, AlarmKind, Severity, Standing
from haris.nouns.errors import StoreError

TICK_S = 1.0
LOW, LOW_NO_MORE = 0.25, 0.5
"""Parts of its target below which a pool is low, and from which on it is not."""

_ENDED_BY_A_GOOD_BLOCK = (AlarmKind.QBER, AlarmKind.TAMPERED, AlarmKind.PAD_LOW, AlarmKind.LIGHT_DARK)


class Alarming:
    """Call it on the loop. tell: told of every change."""

    def __init__(self, writer: str, store: Alarms, tell: Callable[[Change], None], now_ns: Callable[[], int]) -> None:
        self._writer, self._store, self._tell, self._now_ns = writer, store, tell, now_ns
        self._book = AlarmBook(*store.standing_alarms(writer))
        self._unkept: dict[int, Standing] = {}
        self._acts: list[Act] = []
        self._pools: dict[str, Hysteresis] = {}
        self._keeping = asyncio.Lock()

    def standing(self) -> tuple[Standing, ...]:
        """The alarms that stand, worst first."""
        return self._book.standing()

    def file(self, alarm: Alarm) -> None:
        """A condition is there, or gone."""
        self._changed(self._book.tell(alarm, self._now_ns()))

    def hear(self, event: Event) -> None:
        """Whatever the site tells of itself."""
        match event:
            case AlarmEvent():
                self.file(Alarm(Severity(event.severity), event.source, event.text, event.kind, event.active))
            case BlockEvent(aborted=None):
                for kind in _ENDED_BY_A_GOOD_BLOCK:
                    self._over(kind, event.span)
            case SiteEvent(what="span connected" | "span out of contact"):
                self._over(AlarmKind.SPAN_DOWN, event.detail)
            case SiteEvent(what="span lost" | "no meeting on span"):
                span, _, why = event.detail.partition(": ")
                self.file(Alarm(Severity.MAJOR, span, why, AlarmKind.SPAN_DOWN))
            case PoolEvent():
                self._level(event)

    async def acknowledge(self, alarm_id: int, who: str) -> Standing:
        """An operator has seen it: audited and kept when this returns. ParameterError when it does not stand."""
        change = self._book.acknowledge(alarm_id, who, self._now_ns())
        alarm = change.alarm
        self._acts.append(Act("acknowledge", who, f"alarm {alarm_id}", f"{alarm.kind} {alarm.source}: {alarm.text}"))
        self._changed([change])
        await self._keep()
        return alarm

    async def run(self) -> None:
        """Let time do its part, for ever."""
        while True:
            await asyncio.sleep(TICK_S)
            self._changed(self._book.tick(self._now_ns()))
            try:
                await self._keep()
            except StoreError as error:
                self.file(Alarm(Severity.MAJOR, "store", str(error), AlarmKind.STORE))

    async def _keep(self) -> None:
        async with self._keeping:
            if not self._unkept and not self._acts:
                return
            unkept, acts = dict(self._unkept), list(self._acts)
            await finish_in_thread(self._store.keep_alarms, self._writer, list(unkept.values()), acts)
            self._unkept = {key: alarm for key, alarm in self._unkept.items() if unkept.get(key) != alarm}
            self._acts = self._acts[len(acts) :]

    def _level(self, event: PoolEvent) -> None:
        before = self._pools.get(event.peer, Hysteresis(LOW, LOW_NO_MORE))
        state = self._pools[event.peer] = before.at(event.ready / max(event.target, 1))
        severity = Severity.WARNING if event.ready else Severity.MAJOR
        text = f"{event.ready} of {event.target} keys are ready" if event.ready else "the pool is dry"
        self.file(Alarm(severity, f"pool {event.peer}", text, AlarmKind.POOL_LOW, state.low))

    def _over(self, kind: AlarmKind, source: str) -> None:
        self.file(Alarm(Severity.INFO, source, "", kind, active=False))

    def _changed(self, changes: list[Change]) -> None:
        for change in changes:
            self._unkept[change.alarm.id] = change.alarm
            self._tell(change)
