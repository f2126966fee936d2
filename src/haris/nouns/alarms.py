"""An alarm as a value: rooms below the shell return alarms, the node files them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much an operator should care: the perceived severities of ITU-T X.733, least first; info is no fault."""

    INFO = "info"
    WARNING = "warning"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the least."""
        return tuple(Severity).index(self)


class AlarmKind(StrEnum):
    """What condition an alarm is about; manage/alarm_kinds.py says of each what it means and what to do."""

    QBER = "qber"
    TAMPERED = "tampered"
    PAD_LOW = "pad-low"
    LIGHT_DARK = "light-dark"
    SPAN_DOWN = "span-down"
    SITE_UNREACHABLE = "site-unreachable"
    RELAY_FAILED = "relay-failed"
    POOL_LOW = "pool-low"
    POOL_DEPLETES = "pool-depletes"
    SOURCE_STALLED = "source-stalled"
    SOURCE_QUARANTINED = "source-quarantined"
    EMULATED_REFUSED = "emulated-refused"
    DENIALS = "denials"
    STORE = "store"
    ROLLED_BACK = "rolled-back"
    CERTIFICATE = "certificate"
    VERSION = "version"
    EVIDENCE_LOST = "evidence-lost"
    RANDOMNESS = "randomness"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something an operator should know. source: the link, pool or peer it is about.

    kind: the condition; two alarms of one kind and source are one. active: False when the condition has ended.
    """

    severity: Severity
    source: str
    text: str
    kind: AlarmKind = AlarmKind.OTHER
    active: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm as operators see it.

    id: counts up at its site. count: how often it was raised since raised_ns; last_ns: the newest. flapping: it comes
    and goes. acknowledged_by: the operator who has seen it. cleared_ns: None while it stands.
    """

    id: int
    kind: AlarmKind
    source: str
    severity: Severity
    text: str
    raised_ns: int
    last_ns: int
    count: int = 1
    flapping: bool = False
    acknowledged_by: str = ""
    acknowledged_ns: int | None = None
    cleared_ns: int | None = None
