"""What other systems read of an alarm: severities as RFC 5674 maps them, objects as HARIS-MIB defines them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from haris.manage import audit
from haris.manage.alarm_messages import alarm_message, alarm_trap, audit_head_message
from haris.manage.alarms import Change, What
from haris.manage.audit_export import read_head
from haris.nouns.alarms import AlarmKind, Severity, Standing
from haris.nouns.errors import ParameterError
from haris.wire.snmp_trap import HARIS, NOTIFICATIONS, OBJECTS, Trap, engine_id

MIB = (Path(__file__).parents[2] / "docs" / "reference" / "HARIS-MIB.txt").read_text()
ALARM = Standing(17, AlarmKind.POOL_LOW, "exchange", Severity.MAJOR, "dry", 1, 2, 3, acknowledged_by="ops")


@pytest.mark.parametrize(
    ("severity", "level", "told"),
    [
        (Severity.CRITICAL, 1, "critical"),
        (Severity.MAJOR, 2, "major"),
        (Severity.MINOR, 3, "minor"),
        (Severity.WARNING, 4, "warning"),
        (Severity.INFO, 5, "indeterminate"),
    ],
)
def test_severities_as_rfc_5674_table_1(severity, level, told):
    message = alarm_message("bank", Change(What.RAISED, replace(ALARM, severity=severity)), 5)
    assert message.level == level
    assert dict(message.data[0].items)["perceivedSeverity"] == told


def test_a_cleared_alarm_is_a_notice():
    message = alarm_message("bank", Change(What.CLEARED, ALARM), 5)
    assert message.level == 5
    assert message.data[0].id == "alarm"
    assert message.data[0].items == (
        ("resource", "bank/exchange"),
        ("probableCause", "thresholdCrossed"),
        ("perceivedSeverity", "cleared"),
    )
    assert dict(message.data[1].items)["id"] == "17"
    assert message.text == "alarm 17 cleared (major) exchange: dry"


def test_the_acknowledging_operator_is_named():
    assert "acknowledged by ops" in alarm_message("bank", Change(What.ACKNOWLEDGED, ALARM), 5).text
    trap = alarm_trap("bank", Change(What.ACKNOWLEDGED, ALARM))
    assert trap.name == "harisAlarmAcknowledged"
    assert dict(trap.values)["harisAlarmOperator"] == "ops"
    assert dict(trap.values)["harisAlarmSeverity"] == 4
    assert dict(alarm_trap("bank", Change(What.CLEARED, ALARM)).values)["harisAlarmSeverity"] == 1


def test_the_code_numbers_objects_as_the_mib_does():
    """Each `name …-TYPE … ::= { parent n }` of the module, resolved to its whole OID."""
    parents = {"enterprises": (1, 3, 6, 1, 4, 1)}
    found = {}
    pattern = r"^(\w+)\s+(MODULE-IDENTITY|OBJECT IDENTIFIER|OBJECT-TYPE|NOTIFICATION-TYPE)\b.*?::= \{ (\w+) ([\d ]+) \}"
    for name, macro, parent, numbers in re.findall(
        pattern, MIB.partition("FRAMEWORK-MIB;")[2], re.DOTALL | re.MULTILINE
    ):
        parents[name] = (*parents[parent], *map(int, numbers.split()))
        found.setdefault(macro, {})[name] = parents[name]
    assert parents["haris"] == HARIS
    assert found["NOTIFICATION-TYPE"] == NOTIFICATIONS
    assert {name: (*oid, 0) for name, oid in found["OBJECT-TYPE"].items()} == OBJECTS


def test_every_notification_carries_every_object():
    for body in re.findall(r"NOTIFICATION-TYPE\s+OBJECTS\s+\{(.*?)\}", MIB, re.DOTALL):
        assert body.replace(",", " ").split() == list(OBJECTS)
    assert [name for name, _ in alarm_trap("bank", Change(What.RAISED, ALARM)).values] == list(OBJECTS)
    with pytest.raises(ParameterError):
        Trap("harisAlarmRaised", [("other", 1)])


def test_the_engine_id_as_rfc_3411():
    assert engine_id("bank").hex() == "80007ed904" + b"bank".hex()
    assert len(engine_id("b" * 64)) == 32


def test_a_head_is_read_back_from_its_message():
    head = audit.follow(audit.origin("bank"), 5, [audit.Act("start", "haris", "bank")]).head
    message = audit_head_message("bank", head, 7)
    assert read_head(dict(message.data[0].items)["head"]) == head
