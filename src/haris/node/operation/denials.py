"""Refusals: counted at once, told and audited once a second, so that a flood of them costs little."""

from __future__ import annotations

from collections import Counter, deque

from haris.manage.audit import Denial
from haris.node.tally import Tally, reason_of
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import HarisError
from haris.nouns.times import NS_PER_S

AT_MOST = 500
"""Different refusals that are told each second; what goes beyond is one of nobody in particular."""
MANY_A_MINUTE = 60
_MINUTE_NS = 60 * NS_PER_S
_DETAIL_CHARACTERS = 200

Key = tuple[str, str, str, str, str]


class Denials:
    """The refusals of one node."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._counts: Counter[Key] = Counter()
        self._details: dict[Key, str] = {}
        self._unauthorised: deque[tuple[int, int]] = deque()

    def note(self, interface: str, method: str, caller: str, peer: str, error: HarisError) -> None:
        """Keys were refused."""
        reason = reason_of(error)
        self._tally.denials[interface, method, reason] += 1
        key = (interface, method, caller, peer[:64], reason)
        if key not in self._counts and len(self._counts) >= AT_MOST:
            key = (interface, method, "", "", reason)
        self._counts[key] += 1
        self._details.setdefault(key, str(error)[:_DETAIL_CHARACTERS])

    def take(self, now_ns: int) -> tuple[tuple[Denial, ...], Alarm]:
        """What was refused since the last call, and whether too many had no authority within the last minute."""
        records = tuple(
            Denial(method, interface, caller, peer, reason, self._details[key], times)
            for key, times in self._counts.items()
            for interface, method, caller, peer, reason in (key,)
        )
        self._counts.clear()
        self._details.clear()
        n_now = sum(record.times for record in records if record.reason == "unauthorised")
        if n_now:
            self._unauthorised.append((now_ns, n_now))
        while self._unauthorised and now_ns - self._unauthorised[0][0] > _MINUTE_NS:
            self._unauthorised.popleft()
        n_minute = sum(n for _, n in self._unauthorised)
        text = f"{n_minute} requests without authority were refused within a minute"
        return records, Alarm(Severity.WARNING, "applications", text, AlarmKind.DENIALS, n_minute >= MANY_A_MINUTE)
