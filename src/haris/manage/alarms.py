"""The alarms that stand at a site: raised, acknowledged by an operator, cleared; each change is told once.

A condition must last before its alarm is raised, and be gone for a while before it is cleared (hold times of its kind),
so that a value that hovers about a threshold makes one alarm. An alarm that comes and goes all the same is marked as
flapping and stays until it has been quiet for FLAP_WINDOW_S.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from haris.manage.alarm_kinds import KINDS, KindOfAlarm
from haris.nouns.alarms import Alarm, AlarmKind, Standing
from haris.nouns.errors import ParameterError
from haris.nouns.times import NS_PER_S

FLAP_WINDOW_S, FLAPS = 600.0, 5
"""So many times raised within so long: the alarm flaps."""

Key = tuple[AlarmKind, str, str]


class What(StrEnum):
    """What has happened to an alarm."""

    RAISED = "raised"
    WORSENED = "worsened"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Change:
    """One step in the life of an alarm, to be kept and told."""

    what: What
    alarm: Standing


@dataclass(slots=True)
class _State:
    """What is known of one condition. on_ns, off_ns: since when it is there, or gone, without being told yet."""

    standing: Standing | None = None
    alarm: Alarm | None = None
    on_ns: int | None = None
    off_ns: int | None = None
    raised: list[int] = field(default_factory=list)


class AlarmBook:
    """Every alarm of one site. Call `tick` at least every second."""

    def __init__(
        self,
        standing: Iterable[Standing] = (),
        next_id: int = 1,
        kinds: Mapping[AlarmKind, KindOfAlarm] = KINDS,
    ) -> None:
        """standing: what stood when the site ended. next_id: above every one that was given."""
        self._kinds, self._next_id = kinds, next_id
        self._states: dict[Key, _State] = {}
        for each in standing:
            self._states[_key(each.kind, each.source, each.text)] = _State(each)

    def standing(self) -> tuple[Standing, ...]:
        """The alarms that are not cleared, worst first, then newest first."""
        alarms = [state.standing for state in self._states.values() if state.standing]
        return tuple(sorted(alarms, key=lambda each: (-each.severity.rank, -each.raised_ns, each.id)))

    def tell(self, alarm: Alarm, now_ns: int) -> list[Change]:
        """A condition is there, or (alarm.active false) gone. Both may be told again and again."""
        key = _key(alarm.kind, alarm.source, alarm.text)
        if not alarm.active:
            state = self._states.get(key)
            if state is not None and state.off_ns is None:
                state.on_ns, state.off_ns = None, now_ns
            return self._settle(key, now_ns)
        state = self._states.setdefault(key, _State())
        state.alarm, state.off_ns = alarm, None
        if state.standing is None:
            state.on_ns = now_ns if state.on_ns is None else state.on_ns
            return self._settle(key, now_ns)
        return self._again(state, state.standing, alarm, now_ns)

    def tick(self, now_ns: int) -> list[Change]:
        """What the passing of time changes."""
        return [change for key in list(self._states) for change in self._settle(key, now_ns)]

    def acknowledge(self, alarm_id: int, who: str, now_ns: int) -> Change:
        """An operator has seen an alarm. ParameterError for one that does not stand, or is acknowledged."""
        for state in self._states.values():
            seen = state.standing
            if seen is None or seen.id != alarm_id:
                continue
            if seen.acknowledged_by:
                raise ParameterError(f"alarm {alarm_id} was acknowledged by {seen.acknowledged_by}")
            state.standing = replace(seen, acknowledged_by=who, acknowledged_ns=now_ns)
            return Change(What.ACKNOWLEDGED, state.standing)
        raise ParameterError(f"no alarm {alarm_id} stands")

    def _settle(self, key: Key, now_ns: int) -> list[Change]:
        """Raise what has lasted, clear what has been gone for long enough."""
        state, kind = self._states[key] if key in self._states else _State(), self._kinds[key[0]]
        if state.standing is None:
            if state.on_ns is not None and state.alarm and now_ns - state.on_ns >= kind.hold_on_s * NS_PER_S:
                return [Change(What.RAISED, self._raise(state, state.alarm, now_ns))]
            if state.on_ns is None and not self._recent(state, now_ns):
                self._states.pop(key, None)
            return []
        gone_ns, hold_s = state.off_ns, kind.hold_off_s
        if gone_ns is None and kind.quiet_s is not None:
            gone_ns, hold_s = state.standing.last_ns, kind.quiet_s
        if state.standing.flapping:
            hold_s = max(hold_s, FLAP_WINDOW_S)
        if gone_ns is None or now_ns - gone_ns < hold_s * NS_PER_S:
            return []
        cleared = replace(state.standing, cleared_ns=now_ns, flapping=False)
        state.standing, state.on_ns, state.off_ns = None, None, None
        return [Change(What.CLEARED, cleared)]

    def _raise(self, state: _State, alarm: Alarm, now_ns: int) -> Standing:
        state.raised = [*self._recent(state, now_ns), now_ns]
        flapping = len(state.raised) >= FLAPS
        state.on_ns = None
        state.standing = Standing(
            self._next_id, alarm.kind, alarm.source, alarm.severity, alarm.text, now_ns, now_ns, flapping=flapping
        )
        self._next_id += 1
        return state.standing

    def _again(self, state: _State, seen: Standing, alarm: Alarm, now_ns: int) -> list[Change]:
        """The condition was told while its alarm stands. Worse than before: it is to be acknowledged anew."""
        worse = alarm.severity.rank > seen.severity.rank
        state.standing = replace(
            seen,
            severity=alarm.severity,
            text=alarm.text,
            last_ns=now_ns,
            count=seen.count + 1,
            acknowledged_by="" if worse else seen.acknowledged_by,
            acknowledged_ns=None if worse else seen.acknowledged_ns,
        )
        return [Change(What.WORSENED, state.standing)] if worse else []

    @staticmethod
    def _recent(state: _State, now_ns: int) -> list[int]:
        return [at for at in state.raised if now_ns - at < FLAP_WINDOW_S * NS_PER_S]


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """Whether a falling quantity is too low: below `on` it becomes so, at `off` or more it ceases to be so."""

    on: float
    off: float
    low: bool = False

    def __post_init__(self) -> None:
        if self.off < self.on:
            raise ParameterError(f"off must be at least on: {self.off:g} is below {self.on:g}")

    def at(self, value: float) -> Hysteresis:
        """After this value."""
        return replace(self, low=value < self.on or (self.low and value < self.off))


def _key(kind: AlarmKind, source: str, text: str) -> Key:
    """Alarms of no kind of their own are told apart by their words."""
    return kind, source, text if kind is AlarmKind.OTHER else ""
