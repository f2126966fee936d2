"""Alarms before certificates and revocation lists run out: thirty days, seven days and one day ahead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from haris.nouns.alarms import Alarm, AlarmKind, Severity

STEPS = (
    (timedelta(days=1), Severity.CRITICAL),
    (timedelta(days=7), Severity.MAJOR),
    (timedelta(days=30), Severity.WARNING),
)
"""What is left, and how much an operator should care then; the nearest first."""


def expiry_alarms(
    ends: Mapping[str, datetime], now: datetime, steps: tuple[tuple[timedelta, Severity], ...] = STEPS
) -> list[Alarm]:
    """One alarm for each name, of the kind `certificate`: active when little time is left, else not active.

    ends: when what bears the name is valid no longer; aware times.
    """
    return [_alarm(name, end, now) for name, end in ends.items()]


def _alarm(name: str, end: datetime, now: datetime) -> Alarm:
    left, date = end - now, f"{end:%Y-%m-%d %H:%M} UTC"
    if left <= timedelta():
        return Alarm(Severity.CRITICAL, name, f"expired on {date}", AlarmKind.CERTIFICATE)
    for step, severity in STEPS:
        if left <= step:
            time = f"{left.days} days" if left.days > 1 else f"{left // timedelta(hours=1)} hours"
            return Alarm(severity, name, f"expires in {time}, on {date}", AlarmKind.CERTIFICATE)
    return Alarm(Severity.INFO, name, f"valid until {date}", AlarmKind.CERTIFICATE, active=False)
