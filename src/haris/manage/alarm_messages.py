"""What other systems are told of alarms and of the audit log: syslog messages and SNMP notifications."""

from __future__ import annotations

from haris.manage.alarm_kinds import KINDS
from haris.manage.alarms import Change, What
from haris.manage.audit import Head
from haris.manage.audit_export import write_head
from haris.nouns.alarms import Severity
from haris.wire.snmp_trap import SEVERITIES, Trap
from haris.wire.syslog import ENTERPRISE, Element, Level, SyslogMessage

LEVELS = {
    Severity.CRITICAL: Level.ALERT,
    Severity.MAJOR: Level.CRITICAL,
    Severity.MINOR: Level.ERROR,
    Severity.WARNING: Level.WARNING,
    Severity.INFO: Level.NOTICE,
}
"""RFC 5674, table 1; a cleared alarm is a notice, and our info is its `indeterminate`."""

_TRAPS = {
    What.RAISED: "harisAlarmRaised",
    What.WORSENED: "harisAlarmRaised",
    What.CLEARED: "harisAlarmCleared",
    What.ACKNOWLEDGED: "harisAlarmAcknowledged",
}


def alarm_words(change: Change) -> str:
    """A change as one line for a person."""
    alarm = change.alarm
    by = f" by {alarm.acknowledged_by}" if change.what is What.ACKNOWLEDGED else ""
    flaps = ", comes and goes" if alarm.flapping else ""
    return f"alarm {alarm.id} {change.what}{by} ({alarm.severity}{flaps}) {alarm.source}: {alarm.text}"


def alarm_message(site: str, change: Change, now_ns: int) -> SyslogMessage:
    """A change as a syslog message with the structured data of RFC 5674, section 3, and ours."""
    alarm, cleared = change.alarm, change.what is What.CLEARED
    severity = "cleared" if cleared else "indeterminate" if alarm.severity is Severity.INFO else str(alarm.severity)
    standard = Element(
        "alarm",
        (
            ("resource", f"{site}/{alarm.source}"),
            ("probableCause", KINDS[alarm.kind].cause),
            ("perceivedSeverity", severity),
        ),
    )
    ours = Element(
        f"haris@{ENTERPRISE}",
        (
            ("site", site),
            ("id", str(alarm.id)),
            ("kind", str(alarm.kind)),
            ("change", str(change.what)),
            ("count", str(alarm.count)),
            ("operator", alarm.acknowledged_by),
        ),
    )
    level = Level.NOTICE if cleared else LEVELS[alarm.severity]
    return SyslogMessage(level, now_ns, "alarm", (standard, ours), alarm_words(change))


def alarm_trap(site: str, change: Change) -> Trap:
    """A change as a notification of HARIS-MIB."""
    alarm = change.alarm
    severity = "cleared" if change.what is What.CLEARED else str(alarm.severity)
    return Trap(
        _TRAPS[change.what],
        (
            ("harisSite", site),
            ("harisAlarmId", alarm.id),
            ("harisAlarmKind", str(alarm.kind)),
            ("harisAlarmResource", alarm.source),
            ("harisAlarmSeverity", SEVERITIES[severity]),
            ("harisAlarmText", alarm.text),
            ("harisAlarmCount", alarm.count),
            ("harisAlarmOperator", alarm.acknowledged_by),
        ),
    )


def audit_head_message(site: str, head: Head, now_ns: int) -> SyslogMessage:
    """The head of an audit chain, to be kept where those who can write the store cannot."""
    ours = Element(f"haris@{ENTERPRISE}", (("site", site), ("head", write_head(head))))
    text = f"audit log head {write_head(head)}"
    return SyslogMessage(Level.INFORMATIONAL, now_ns, "audit-head", (ours,), text)
