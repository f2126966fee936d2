"""The standing of a key source: sound, stalled, or in quarantine. Alarms are values.

               no key for the stall limit              the fifth stall within a day
    SOUND ─────────────────────────────────▶ STALLED ─────────────────────────────▶ QUARANTINED
      ▲ ▲        keys at three draws            │                                      ▲  │
      │ └───────────────────────────────────────┘           a lie, from anywhere ──────┘  │
      └────────────────────────────── released by an operator ────────────────────────────┘

A source in quarantine gives no keys. Only an operator lets it out: what lied once may lie again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import HarisError

GOOD_DRAWS = 3
"""Draws in a row that give keys before a stall counts as over: a source that stutters raises one alarm, not many."""
STALLS_TO_QUARANTINE = 5
STALLS_WITHIN_NS = 24 * 3600 * 10**9
LONGEST_PAUSE_S = 60.0


class SourceState(StrEnum):
    """Where a source stands at one site."""

    SOUND = "sound"
    STALLED = "stalled"
    QUARANTINED = "quarantined"


class Lie(StrEnum):
    """Why a source is put in quarantine."""

    WRONG_SIZE = "wrong size"
    TOO_MANY = "more keys than asked for"
    REPEATED_NAME = "repeated key_ID"
    OTHER_KEYS = "other keys than named"
    NOT_RANDOM = "not random"
    ENDS_DIFFER = "ends differ"
    STALLS_OFTEN = "stalls again and again"


class SourceLied(HarisError):  # noqa: N818  (what it is)
    """A source gave what it cannot have been asked for. The text never holds a key."""

    def __init__(self, lie: Lie, detail: str) -> None:
        super().__init__(f"{lie}: {detail}")
        self.lie, self.detail = lie, detail


@dataclass(frozen=True, slots=True)
class Standing:
    """What a site remembers of a source, durably.

    reason, since_ns: of the state. n_good: draws with keys since the stall began. n_stalls: since first_stall_ns.
    """

    state: SourceState = SourceState.SOUND
    reason: str = ""
    since_ns: int = 0
    n_good: int = 0
    n_stalls: int = 0
    first_stall_ns: int = 0


Change = tuple[Standing, Alarm | None]


def gave(standing: Standing, source: str, now_ns: int) -> Change:
    """The source gave keys as it should."""
    if standing.state is not SourceState.STALLED:
        return standing, None
    if standing.n_good + 1 < GOOD_DRAWS:
        return replace(standing, n_good=standing.n_good + 1), None
    text = "the source gives keys again"
    alarm = Alarm(Severity.INFO, source, text, AlarmKind.SOURCE_STALLED, active=False)
    return replace(standing, state=SourceState.SOUND, reason="", since_ns=now_ns, n_good=0), alarm


def dry(
    standing: Standing, source: str, why: str, waited_s: float, stall_s: float, now_ns: int, *, judged: bool = True
) -> Change:
    """The source gave no key though one was wanted.

    waited_s: since it first did not. why: in words, without secrets. judged: whether stalls alone may put it in
    quarantine; not at the end that is asked for keys by a message that anybody could have sent.
    """
    if standing.state is SourceState.STALLED:
        return replace(standing, n_good=0), None
    if standing.state is SourceState.QUARANTINED or waited_s < stall_s:
        return standing, None
    within = now_ns - standing.first_stall_ns < STALLS_WITHIN_NS and standing.n_stalls
    n_stalls = standing.n_stalls + 1 if within else 1
    first_ns = standing.first_stall_ns if within else now_ns
    if judged and n_stalls >= STALLS_TO_QUARANTINE:
        return lied(standing, source, Lie.STALLS_OFTEN, f"{n_stalls} times within a day, last: {why}", now_ns)
    text = f"no key for {waited_s:.0f} s: {why}"
    stalled = Standing(SourceState.STALLED, text, now_ns, 0, n_stalls, first_ns)
    return stalled, Alarm(Severity.MAJOR, source, f"the source stalls: {text}", AlarmKind.SOURCE_STALLED)


def lied(standing: Standing, source: str, lie: Lie, detail: str, now_ns: int) -> Change:
    """The source is put in quarantine, or stays there for what put it there first."""
    if standing.state is SourceState.QUARANTINED:
        return standing, None
    reason = f"{lie}: {detail}"
    text = f"the source is in quarantine and gives no more keys until an operator releases it: {reason}"
    alarm = Alarm(Severity.MAJOR, source, text, AlarmKind.SOURCE_QUARANTINED)
    return Standing(SourceState.QUARANTINED, reason, now_ns), alarm


def released(standing: Standing, source: str, by: str, now_ns: int) -> Change:
    """An operator lets the source out. by: who, and why, in words."""
    if standing.state is not SourceState.QUARANTINED:
        return standing, None
    text = f"released from quarantine by {by}"
    return Standing(since_ns=now_ns), Alarm(Severity.INFO, source, text, AlarmKind.SOURCE_QUARANTINED, active=False)


def pause_s(poll_s: float, n_dry: int) -> float:
    """How long to leave the source alone after n_dry draws in a row that gave nothing."""
    return min(poll_s * 2.0 ** min(n_dry, 16), max(poll_s, LONGEST_PAUSE_S)) if n_dry else poll_s
