"""Alarms before the end: thirty days, seven days, one day."""

from datetime import UTC, datetime, timedelta

import pytest

from haris.node.pki.expiry import expiry_alarms
from haris.nouns.alarms import AlarmKind, Severity

END = datetime(2030, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "severity", "said"),
    [
        (timedelta(days=31), None, "valid until 2030-06-01"),
        (timedelta(days=30), Severity.WARNING, "in 30 days"),
        (timedelta(days=7, seconds=1), Severity.WARNING, "in 7 days"),
        (timedelta(days=7), Severity.MAJOR, "in 7 days"),
        (timedelta(days=1), Severity.CRITICAL, "in 24 hours"),
        (timedelta(), Severity.CRITICAL, "expired on"),
        (-timedelta(days=1), Severity.CRITICAL, "expired on"),
    ],
)
def test_an_alarm_grows_as_the_end_comes_near(left, severity, said):
    (alarm,) = expiry_alarms({"kme.crt": END}, END - left)
    assert (alarm.source, alarm.kind) == ("kme.crt", AlarmKind.CERTIFICATE)
    assert alarm.active == (severity is not None)
    assert alarm.severity == (severity or Severity.INFO)
    assert said in alarm.text


def test_each_name_has_its_own():
    alarms = expiry_alarms({"a": END, "b": END + timedelta(days=100)}, END - timedelta(days=2))
    assert [(alarm.source, alarm.active) for alarm in alarms] == [("a", True), ("b", False)]
